//! The texts of mails: ours, and those that take their place.

use std::collections::BTreeMap;
use std::path::Path;

use config::ConfigError;
use domain::mail::Template;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, UndefinedBehavior};

use crate::facts::Facts;
use crate::line::one_line;

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

/// Our texts, by the names of their files.
const FILES: &[(&str, &str)] = files! {
    "layout.html" "layout.txt"
    "task_created.html" "task_created.subject.txt" "task_created.txt"
    "task_status_changed.html" "task_status_changed.subject.txt" "task_status_changed.txt"
    "task_completed.html" "task_completed.subject.txt" "task_completed.txt"
    "task_assigned.html" "task_assigned.subject.txt" "task_assigned.txt"
    "task_unassigned.html" "task_unassigned.subject.txt" "task_unassigned.txt"
    "export_ready.html" "export_ready.subject.txt" "export_ready.txt"
    "export_failed.html" "export_failed.subject.txt" "export_failed.txt"
};

/// The setting that names the folder of other texts.
const SETTING: &str = "MAIL_TEMPLATE_DIR";

/// What a mail says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// The texts, ready to be filled in.
pub(crate) struct Texts(Environment<'static>);

impl Texts {
    /// Our texts, but for those that a folder has, too. Each is tried once: a text that cannot be filled
    /// in stops the start, and no mail.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Self, ConfigError> {
        let own = FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let mut files: BTreeMap<String, String> = own.collect();
        if let Some(folder) = folder {
            for (name, text) in read(folder)? {
                if files.insert(name.clone(), text).is_none() {
                    let known: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
                    let known = known.join(", ");
                    return Err(wrong(format!("{name} takes no text's place; there are {known}")));
                }
            }
        }
        let texts = Self::of(files).map_err(|error| wrong(Fault::of(&error).told()))?;
        for template in Template::ALL {
            for facts in Facts::samples(template) {
                texts.words(template, &facts).map_err(|fault| wrong(fault.told()))?;
            }
        }
        Ok(texts)
    }

    fn of(files: BTreeMap<String, String>) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment
            .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        // A name that is misspelt is an error, not an empty place in a mail.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, text) in files {
            environment.add_template_owned(name, text)?;
        }
        Ok(Self(environment))
    }

    /// A mail's words.
    pub(crate) fn words(&self, template: Template, facts: &Facts) -> Result<Words, Fault> {
        let name = template.name();
        let fill = |ending: &str, facts: Value| {
            let file = format!("{name}.{ending}");
            let text = self.0.get_template(&file).and_then(|template| template.render(facts));
            text.map_err(|error| Fault::of(&error))
        };
        let subject = one_line(&fill("subject.txt", facts.values(""))?);
        if subject.is_empty() {
            let place = format!("{name}.subject.txt, line 1");
            return Err(Fault { place, what: "the subject is empty".to_owned() });
        }
        let facts = facts.values(&subject);
        Ok(Words { text: fill("txt", facts.clone())?, html: fill("html", facts)?, subject })
    }
}

/// What is wrong with a text.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Which file, and which line of it.
    pub(crate) place: String,
    /// What is amiss there. While mails are written, this may quote one.
    what: String,
}

impl Fault {
    fn of(error: &Error) -> Self {
        let (file, line) = (error.name().unwrap_or("a text"), error.line().unwrap_or(1));
        let place = format!("{file}, line {line}");
        let what = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self { place, what }
    }

    fn told(&self) -> String {
        format!("{}: {}", self.place, self.what)
    }
}

fn wrong(why: String) -> ConfigError {
    ConfigError::new(SETTING, why)
}

/// The texts in a folder, by their names. What is no text is left alone.
#[expect(clippy::disallowed_methods, reason = "settings are read at the start, before requests")]
fn read(folder: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let refused = |name: &str, error: std::io::Error| wrong(format!("{name}: {error}"));
    let here = folder.display().to_string();
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| refused(&here, e))? {
        let path = entry.map_err(|e| refused(&here, e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|ending| ending == "txt" || ending == "html") {
            let text = std::fs::read_to_string(&path).map_err(|e| refused(&name, e))?;
            texts.push((name, text));
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests;
