//! Evaluates the template's values: parameters, conditions and intrinsic functions.

use std::collections::BTreeMap;

use super::error::{Error, wrong};
use super::names::Names;
use super::node::{Intrinsic, Kind, Node};

/// A value with nothing left to evaluate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `!Ref AWS::NoValue`, or nothing: as if the property were not there.
    None,
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

impl Value {
    pub(crate) fn get(&self, key: &str) -> &Self {
        match self {
            Self::Map(members) => members.get(key).unwrap_or(&Self::None),
            _ => &Self::None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of a list.
    pub(crate) fn texts(&self) -> Vec<String> {
        match self {
            Self::List(items) => {
                items.iter().filter_map(|item| item.text().map(str::to_owned)).collect()
            }
            Self::Text(text) => vec![text.clone()],
            _ => Vec::new(),
        }
    }
}

/// What values may refer to.
pub(crate) struct Scope<'t> {
    template: &'t Node,
    parameters: BTreeMap<String, String>,
    names: Names<'t>,
}

impl<'t> Scope<'t> {
    /// A parameter without a value and without a default is an error that names it.
    pub(crate) fn new(
        template: &'t Node,
        given: &BTreeMap<String, String>,
        names: Names<'t>,
    ) -> Result<Self, Error> {
        let mut parameters = BTreeMap::new();
        let declared = template.get("Parameters").map(Node::members).unwrap_or_default();
        for (name, declaration) in declared {
            let default = declaration.get("Default").map(|node| match &node.kind {
                Kind::Text(text) => text.clone(),
                _ => String::new(),
            });
            let value = given.get(name).cloned().or(default).ok_or_else(|| {
                wrong(
                    declaration.line,
                    format!("the parameter {name} has no value for the local cloud"),
                )
            })?;
            parameters.insert(name.clone(), value);
        }
        Ok(Self { template, parameters, names })
    }

    /// The resources whose condition holds, of one type.
    pub(crate) fn resources(&self, kind: &str) -> Result<Vec<(&'t str, &'t Node)>, Error> {
        let mut found = Vec::new();
        for (id, resource) in self.template.get("Resources").map(Node::members).unwrap_or_default()
        {
            let is = |node: &Node| matches!(&node.kind, Kind::Text(text) if text == kind);
            if !resource.get("Type").is_some_and(is) {
                continue;
            }
            let holds = match resource.get("Condition") {
                Some(Node { kind: Kind::Text(name), line }) => self.condition(name, *line)?,
                _ => true,
            };
            if holds {
                found.push((id.as_str(), resource));
            }
        }
        Ok(found)
    }

    /// Evaluates all of a value.
    pub(crate) fn value(&self, node: &Node) -> Result<Value, Error> {
        Ok(match &node.kind {
            Kind::Null => Value::None,
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::List(items) => Value::List(self.values(items)?),
            Kind::Map(members) => {
                let mut map = BTreeMap::new();
                for (key, member) in members {
                    match self.value(member)? {
                        Value::None => {}
                        value => {
                            map.insert(key.clone(), value);
                        }
                    }
                }
                Value::Map(map)
            }
            Kind::Call(intrinsic, argument) => self.call(*intrinsic, argument)?,
        })
    }

    /// A value that must be text.
    pub(crate) fn text(&self, node: &Node) -> Result<String, Error> {
        match self.value(node)? {
            Value::Text(text) => Ok(text),
            // A parameter that is a list is text where text is wanted.
            Value::List(items) if items.iter().all(|item| item.text().is_some()) => {
                Ok(Value::List(items).texts().join(","))
            }
            _ => Err(wrong(node.line, "text is expected")),
        }
    }

    fn values(&self, items: &[Node]) -> Result<Vec<Value>, Error> {
        let values = items.iter().map(|item| self.value(item)).collect::<Result<Vec<_>, _>>()?;
        Ok(values.into_iter().filter(|value| *value != Value::None).collect())
    }

    fn call(&self, intrinsic: Intrinsic, argument: &Node) -> Result<Value, Error> {
        let line = argument.line;
        match intrinsic {
            Intrinsic::Ref => self.reference(&self.text(argument)?, line),
            Intrinsic::Sub => self.substituted(argument),
            Intrinsic::GetAtt => {
                let name = match self.value(argument)? {
                    Value::Text(text) => text,
                    list => list.texts().join("."),
                };
                self.attribute(&name, line).map(Value::Text)
            }
            Intrinsic::If => {
                let [condition, yes, no] = parts(argument)?;
                let holds = self.condition(&self.text(condition)?, line)?;
                self.value(if holds { yes } else { no })
            }
            Intrinsic::Join => {
                let [delimiter, items] = parts(argument)?;
                let items = self.value(items)?.texts();
                Ok(Value::Text(items.join(&self.text(delimiter)?)))
            }
            Intrinsic::Split => {
                let [delimiter, text] = parts(argument)?;
                let (delimiter, text) = (self.text(delimiter)?, self.text(text)?);
                let words = text.split(delimiter.as_str()).map(|word| Value::Text(word.to_owned()));
                Ok(Value::List(words.collect()))
            }
            Intrinsic::Select => {
                let [index, items] = parts(argument)?;
                let index: usize = self
                    .text(index)?
                    .parse()
                    .map_err(|_| wrong(line, "Select needs the number of an item"))?;
                match self.value(items)? {
                    Value::List(mut items) if index < items.len() => Ok(items.swap_remove(index)),
                    _ => Err(wrong(line, "Select names an item that is not there")),
                }
            }
            Intrinsic::And
            | Intrinsic::Or
            | Intrinsic::Not
            | Intrinsic::Equals
            | Intrinsic::Condition => Ok(Value::Text(self.holds(intrinsic, argument)?.to_string())),
        }
    }

    fn reference(&self, name: &str, line: usize) -> Result<Value, Error> {
        if name == "AWS::NoValue" {
            return Ok(Value::None);
        }
        let declared = self.template.at(&["Parameters", name, "Type"]);
        let is_list = declared
            .is_some_and(|node| matches!(&node.kind, Kind::Text(kind) if kind.contains("List")));
        if let Some(text) = self.parameters.get(name) {
            return Ok(if is_list {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                Value::List(words.map(|word| Value::Text(word.to_owned())).collect())
            } else {
                Value::Text(text.clone())
            });
        }
        let found = self.names.pseudo(name).or_else(|| self.names.of(name));
        found
            .map(Value::Text)
            .ok_or_else(|| wrong(line, format!("there is no `{name}` to refer to")))
    }

    /// `Resource.Attribute`.
    fn attribute(&self, name: &str, line: usize) -> Result<String, Error> {
        name.split_once('.')
            .and_then(|(resource, attribute)| self.names.attribute(resource, attribute))
            .ok_or_else(|| wrong(line, format!("`{name}` is no attribute that is known here")))
    }

    /// `Sub` with a text, or with a text and values of its own.
    fn substituted(&self, argument: &Node) -> Result<Value, Error> {
        let (text, own) = match &argument.kind {
            Kind::List(items) => match items.as_slice() {
                [text, own] => (self.text(text)?, self.value(own)?),
                _ => return Err(wrong(argument.line, "Sub needs a text and its values")),
            },
            _ => (self.text(argument)?, Value::None),
        };
        let mut result = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            let (name, behind) =
                after.split_once('}').ok_or_else(|| wrong(argument.line, "`${` without `}`"))?;
            rest = behind;
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str("${");
                result.push_str(literal);
                result.push('}');
            } else if let Some(value) = own.get(name).text() {
                result.push_str(value);
            } else if name.contains('.') {
                result.push_str(&self.attribute(name, argument.line)?);
            } else {
                let value = self.reference(name, argument.line)?;
                result.push_str(&value.texts().join(","));
            }
        }
        result.push_str(rest);
        Ok(Value::Text(result))
    }

    fn condition(&self, name: &str, line: usize) -> Result<bool, Error> {
        let condition = self
            .template
            .at(&["Conditions", name])
            .ok_or_else(|| wrong(line, format!("there is no condition `{name}`")))?;
        match &condition.kind {
            Kind::Call(intrinsic, argument) => self.holds(*intrinsic, argument),
            _ => Err(wrong(condition.line, "a condition is an intrinsic function")),
        }
    }

    fn holds(&self, intrinsic: Intrinsic, argument: &Node) -> Result<bool, Error> {
        let each = || {
            let Kind::List(items) = &argument.kind else {
                return Err(wrong(argument.line, "a list of conditions is expected"));
            };
            let hold = |item: &Node| match &item.kind {
                Kind::Call(intrinsic, argument) => self.holds(*intrinsic, argument),
                Kind::Map(members) => match members.as_slice() {
                    [(key, name)] if key == "Condition" => {
                        self.condition(&self.text(name)?, item.line)
                    }
                    _ => Err(wrong(item.line, "a condition is expected")),
                },
                _ => Err(wrong(item.line, "a condition is expected")),
            };
            items.iter().map(hold).collect::<Result<Vec<bool>, _>>()
        };
        match intrinsic {
            Intrinsic::And => Ok(each()?.into_iter().all(|holds| holds)),
            Intrinsic::Or => Ok(each()?.into_iter().any(|holds| holds)),
            Intrinsic::Not => Ok(!each()?.into_iter().all(|holds| holds)),
            Intrinsic::Equals => {
                let [left, right] = parts(argument)?;
                Ok(self.value(left)? == self.value(right)?)
            }
            Intrinsic::Condition => self.condition(&self.text(argument)?, argument.line),
            _ => Err(wrong(argument.line, "a condition is expected")),
        }
    }
}

/// The arguments of a function that takes so many.
fn parts<const N: usize>(argument: &Node) -> Result<&[Node; N], Error> {
    match &argument.kind {
        Kind::List(items) => items.as_slice().try_into().ok(),
        _ => None,
    }
    .ok_or_else(|| wrong(argument.line, format!("a list of {N} is expected")))
}
