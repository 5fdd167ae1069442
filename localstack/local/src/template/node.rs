//! The template's text as a tree that remembers its lines.

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};

use super::error::{Error, wrong};

/// A value of the template, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    /// Text, numbers and truth values alike: CloudFormation makes text of all of them.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    /// `!Sub …` or `{Fn::Sub: …}`.
    Call(Intrinsic, Box<Node>),
}

/// The intrinsic functions that can be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intrinsic {
    And,
    Condition,
    Equals,
    GetAtt,
    If,
    Join,
    Not,
    Or,
    Ref,
    Select,
    Split,
    Sub,
}

impl Intrinsic {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "And" => Self::And,
            "Condition" => Self::Condition,
            "Equals" => Self::Equals,
            "GetAtt" => Self::GetAtt,
            "If" => Self::If,
            "Join" => Self::Join,
            "Not" => Self::Not,
            "Or" => Self::Or,
            "Ref" => Self::Ref,
            "Select" => Self::Select,
            "Split" => Self::Split,
            "Sub" => Self::Sub,
            _ => return None,
        })
    }

    fn required(name: &str, line: usize) -> Result<Self, Error> {
        Self::named(name)
            .ok_or_else(|| wrong(line, format!("`{name}` is no intrinsic that is known here")))
    }
}

impl Node {
    /// Reads the one document of a text.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let documents = MarkedYaml::load_from_str(text)
            .map_err(|error| wrong(error.marker().line(), error.info().to_owned()))?;
        let [document] = documents.as_slice() else {
            return Err(wrong(1, "one YAML document is expected".to_owned()));
        };
        Self::of(document)
    }

    fn of(yaml: &MarkedYaml<'_>) -> Result<Self, Error> {
        let line = yaml.span.start.line();
        let text = |text: String| Ok(Kind::Text(text));
        let kind = match &yaml.data {
            YamlData::Tagged(tag, inner) => {
                let intrinsic = Intrinsic::required(&tag.suffix, line)?;
                // What is tagged has no place of its own.
                Ok(Kind::Call(intrinsic, Box::new(Self { line, ..Self::of(inner)? })))
            }
            YamlData::Representation(raw, _, tag) => match tag {
                Some(tag) => {
                    let inner = Self { line, kind: Kind::Text(raw.clone().into_owned()) };
                    Ok(Kind::Call(Intrinsic::required(&tag.suffix, line)?, Box::new(inner)))
                }
                None => text(raw.clone().into_owned()),
            },
            YamlData::Value(Scalar::Null) => Ok(Kind::Null),
            YamlData::Value(Scalar::Boolean(value)) => text(value.to_string()),
            YamlData::Value(Scalar::Integer(value)) => text(value.to_string()),
            YamlData::Value(Scalar::FloatingPoint(value)) => text(value.to_string()),
            YamlData::Value(Scalar::String(value)) => text(value.clone().into_owned()),
            YamlData::Sequence(items) => {
                items.iter().map(Self::of).collect::<Result<_, _>>().map(Kind::List)
            }
            YamlData::Mapping(members) => {
                let mut map = Vec::new();
                for (key, value) in members {
                    let Kind::Text(key) = Self::of(key)?.kind else {
                        return Err(wrong(line, "a key must be text".to_owned()));
                    };
                    map.push((key, Self::of(value)?));
                }
                long_form(map, line)
            }
            YamlData::Alias(_) | YamlData::BadValue => {
                Err(wrong(line, "this YAML is not understood".to_owned()))
            }
        }?;
        Ok(Self { line, kind })
    }

    /// A member of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// What is found by going down along the keys.
    pub(crate) fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The members, if it is a map.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        match &self.kind {
            Kind::Map(members) => members,
            _ => &[],
        }
    }
}

/// `{Ref: X}` and `{Fn::Sub: …}` are what `!Ref X` and `!Sub …` are.
fn long_form(mut map: Vec<(String, Node)>, line: usize) -> Result<Kind, Error> {
    let name = match map.as_slice() {
        [(key, _)] if key == "Ref" => "Ref".to_owned(),
        [(key, _)] => match key.strip_prefix("Fn::") {
            Some(name) => name.to_owned(),
            None => return Ok(Kind::Map(map)),
        },
        _ => return Ok(Kind::Map(map)),
    };
    let intrinsic = Intrinsic::required(&name, line)?;
    match map.pop() {
        Some((_, argument)) => Ok(Kind::Call(intrinsic, Box::new(argument))),
        None => Ok(Kind::Map(map)),
    }
}
