//! Files on their way into the bucket.

use aws_sdk_s3::Client;
use clock::Clock;
use config::Env;
use config::defaults::FILES_PART;
use storage::Files;
use testing::{BUCKET, fetch, rig};

const PLAIN: &str = "text/plain";

/// The bucket, and a place in it that no other test has.
fn place() -> (Files, String) {
    rig();
    let env = Env::of([("EXPORTS_BUCKET", BUCKET), ("S3_PATH_STYLE", "true")]);
    let files = Files::from_env(&env, Clock::system()).expect("settings");
    (files, format!("uploads/{}", Clock::system().new_id()))
}

/// How many uploads of a place nobody has ended.
async fn unended(key: &str) -> usize {
    let shared = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let settings = aws_sdk_s3::config::Builder::from(&shared).force_path_style(true).build();
    let uploads = Client::from_conf(settings).list_multipart_uploads().bucket(BUCKET).prefix(key);
    uploads.send().await.expect("a list").uploads.unwrap_or_default().len()
}

fn bytes(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[tokio::test]
async fn any_file_arrives_as_it_was_written() {
    let (files, key) = place();
    for length in [0, 1, FILES_PART - 1, FILES_PART, FILES_PART + 1, 2 * FILES_PART + 7] {
        let bytes = bytes(length);
        let mut upload = files.upload(&key, PLAIN).await;
        for piece in bytes.chunks(3_000_001) {
            upload.write(piece).await.expect("it is taken");
        }
        assert_eq!(upload.bytes(), length as u64);
        assert_eq!(upload.finish().await, Ok(length as u64));
        // In the place of the one before it.
        let head = files.head(&key).await.expect("an answer").expect("a file");
        assert_eq!(usize::try_from(head.bytes), Ok(length));
        assert_eq!(head.media_type.as_deref(), Some(PLAIN));
        let link = files.link(&key, "a.txt").await.expect("an address");
        assert!(fetch(&link).await.bytes == bytes, "{length}");
    }
    files.delete(&key).await.expect("it is removed");
    assert_eq!(files.head(&key).await, Ok(None));
}

#[tokio::test]
async fn what_is_given_up_leaves_nothing() {
    let (files, key) = place();
    let mut upload = files.upload(&key, PLAIN).await;
    upload.write(&bytes(FILES_PART + 1)).await.expect("it is taken");
    assert_eq!(unended(&key).await, 1);
    upload.abort().await.expect("it is forgotten");
    assert_eq!((unended(&key).await, files.head(&key).await), (0, Ok(None)));

    let mut upload = files.upload(&key, PLAIN).await;
    upload.write(&bytes(FILES_PART + 1)).await.expect("it is taken");
    drop(upload);
    while unended(&key).await > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(files.head(&key).await, Ok(None));
}

#[tokio::test]
async fn an_upload_keeps_no_more_than_a_part() {
    let (files, key) = place();
    // No bucket: whatever was sent would have failed.
    let env = Env::of([("EXPORTS_BUCKET", "there-is-no-such-bucket"), ("S3_PATH_STYLE", "true")]);
    let nowhere = Files::from_env(&env, Clock::system()).expect("settings");
    let mut upload = nowhere.upload(&key, PLAIN).await;
    upload.write(&bytes(FILES_PART - 1)).await.expect("nothing was sent yet");
    let why = upload.write(&[1]).await.expect_err("there is no bucket").to_string();
    assert!(why.contains("NoSuchBucket"), "{why}");
    assert_eq!(files.head(&key).await, Ok(None));
}
