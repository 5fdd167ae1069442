//! What is kept between runs, how much of it, and the start and end of a run.
#![expect(clippy::disallowed_methods, reason = "a test may block")]

use std::fs;
use std::net::TcpStream;

use super::{Sender, TemporaryFolder, start, subjects};
use crate::store::{MAX_MAILS, Store};
use crate::{Error, Mailbox, Settings};

fn start_on(folder: &TemporaryFolder) -> Mailbox {
    let dir = Some(folder.0.join("mails"));
    Mailbox::start(Settings { dir, ..Settings::default() }).unwrap()
}

fn names(folder: &TemporaryFolder) -> Vec<String> {
    let entries = fs::read_dir(folder.0.join("mails")).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn mails_outlive_the_program() {
    let folder = TemporaryFolder::new();
    let first = start_on(&folder);
    let mut sender = Sender::hello(&first).await;
    for subject in ["one", "two", "three"] {
        sender.mail(format!("Subject: {subject}\r\n\r\n\u{fc}\r\n")).await;
    }
    let mails = first.mails();
    first.stop();

    let second = start_on(&folder);
    assert_eq!(second.mails(), mails, "in every field and in their order");
    assert!(second.delete(mails[1].id).unwrap());
    assert!(!second.delete(mails[1].id).unwrap());
    second.stop();

    let third = start_on(&folder);
    assert_eq!(subjects(&third), ["three", "one"]);
    third.delete_all().unwrap();
    assert_eq!(names(&folder), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_comes_after_the_mail_is_in_the_folder() {
    let folder = TemporaryFolder::new();
    let mailbox = start_on(&folder);
    let mut sender = Sender::hello(&mailbox).await;
    assert!(sender.mail("Subject: one\r\n\r\n").await.starts_with("250 "));
    let id = mailbox.mails()[0].id;
    assert_eq!(names(&folder), [format!("{id}.eml"), format!("{id}.json")]);
    fs::remove_dir_all(folder.0.join("mails")).unwrap();
    let reply = sender.mail("Subject: two\r\n\r\n").await;
    assert!(reply.starts_with("452 "), "it could not be written: {reply}");
    assert_eq!(subjects(&mailbox), ["one"]);
}

#[tokio::test]
async fn half_a_mail_goes_and_other_files_stay() {
    let folder = TemporaryFolder::new();
    let first = start_on(&folder);
    Sender::hello(&first).await.mail("Subject: one\r\n\r\n").await;
    let id = first.mails()[0].id;
    first.stop();
    let mails = folder.0.join("mails");
    let half = uuid::Uuid::nil();
    for name in ["notes.txt", "notes.eml", &format!("{half}.json"), &format!("{half}.part")] {
        fs::write(mails.join(name), "{}").unwrap();
    }
    let second = start_on(&folder);
    assert_eq!(subjects(&second), ["one"]);
    let left = [format!("{id}.eml"), format!("{id}.json")];
    assert_eq!(names(&folder)[..2], left);
    assert_eq!(names(&folder)[2..], ["notes.eml", "notes.txt"]);
    second.stop();

    fs::write(mails.join(format!("{id}.json")), "no JSON").unwrap();
    let error = Mailbox::start(Settings { dir: Some(mails), ..Settings::default() }).unwrap_err();
    assert!(error.to_string().contains(&id.to_string()), "it names the file: {error}");
}

#[test]
fn only_the_newest_mails_are_kept() {
    let store = Store::open(None).unwrap();
    for number in 0..=MAX_MAILS {
        let mail = format!("Subject: {number}\r\n\r\n").into_bytes();
        store.add(String::new(), Vec::new(), mail).unwrap();
    }
    let mails = store.list();
    assert_eq!(mails.len(), MAX_MAILS);
    assert_eq!((mails[0].subject.as_str(), mails[MAX_MAILS - 1].subject.as_str()), ("1000", "1"));
}

#[test]
fn it_listens_on_loopback_addresses_only() {
    for address in ["0.0.0.0:0", "[::]:0", "192.168.0.1:0"] {
        let address = address.parse().unwrap();
        let smtp = Settings { smtp: address, ..Settings::default() };
        let web = Settings { web: address, ..Settings::default() };
        for settings in [smtp, web] {
            let error = Mailbox::start(settings).unwrap_err();
            assert!(matches!(error, Error::NotLoopback(refused) if refused == address), "{error}");
        }
    }
}

#[test]
fn a_stopped_mailbox_frees_its_addresses() {
    let mailbox = start();
    let smtp = mailbox.smtp_address();
    let web = mailbox.url().trim_start_matches("http://").parse().unwrap();
    let again = Settings { smtp, web, ..Settings::default() };
    let error = Mailbox::start(again.clone()).unwrap_err();
    assert!(error.to_string().contains(&smtp.to_string()), "{error}");
    mailbox.stop();
    assert!(TcpStream::connect(smtp).is_err() && TcpStream::connect(web).is_err());
    drop(Mailbox::start(again).unwrap());
    assert!(TcpStream::connect(smtp).is_err(), "dropping it stops it too");
}
