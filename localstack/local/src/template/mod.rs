//! template.yaml, as far as it says what runs: functions with their events, queues, buckets, CORS.

mod error;
mod events;
mod function;
mod names;
mod node;
mod queue;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;

pub use error::Error;
pub use events::{HttpRoute, QueueSource, ScheduleRule};
pub use function::Function;
pub use names::ACCOUNT;
pub use queue::{Queue, Redrive};

use names::Names;
use node::Node;
use value::{Scope, Value};

/// What values of the template stand for in the place where it is played.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The values of the template's parameters. One that is not here has its default.
    pub parameters: BTreeMap<String, String>,
    /// The region of the AWS services.
    pub region: String,
    /// Where they are.
    pub endpoint: String,
}

/// What the template says, with every value evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The functions, in the template's order.
    pub functions: Vec<Function>,
    /// The queues, in the template's order.
    pub queues: Vec<Queue>,
    /// The names of the buckets.
    pub buckets: Vec<String>,
    /// What other origins may do, if any may.
    pub cors: Option<Cors>,
}

/// `CorsConfiguration` of the HTTP API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Exact origins, or `*`.
    pub origins: Vec<String>,
    /// Methods, or `*`.
    pub methods: Vec<String>,
    /// Headers that requests may have, or `*`.
    pub headers: Vec<String>,
    /// Headers that scripts may read.
    pub exposed: Vec<String>,
    /// For how many seconds the answer holds.
    pub max_age: Option<u32>,
    /// Whether cookies go with requests.
    pub credentials: bool,
}

impl Template {
    /// Reads a template. What it does not understand is an error that names the line.
    pub fn read(text: &str, place: &Place) -> Result<Self, Error> {
        let root = Node::read(text)?;
        let names = Names { template: &root, region: &place.region, endpoint: &place.endpoint };
        let scope = Scope::new(&root, &place.parameters, names)?;
        let globals = root.at(&["Globals", "Function"]);
        let mut template =
            Self { functions: Vec::new(), queues: Vec::new(), buckets: Vec::new(), cors: None };
        for (id, resource) in scope.resources("AWS::Serverless::Function")? {
            template.functions.push(function::read(&scope, names, id, resource, globals)?);
        }
        for (id, resource) in scope.resources("AWS::SQS::Queue")? {
            template.queues.push(queue::read(&scope, names, id, resource)?);
        }
        for (id, _) in scope.resources("AWS::S3::Bucket")? {
            template.buckets.extend(names.of(id));
        }
        for (_, resource) in scope.resources("AWS::Serverless::HttpApi")? {
            if let Some(node) = resource.at(&["Properties", "CorsConfiguration"]) {
                let value = scope.value(node)?;
                if value.text().is_some() {
                    return Err(error::wrong(
                        node.line,
                        "CorsConfiguration must say what is allowed",
                    ));
                }
                template.cors = cors(&value);
            }
        }
        Ok(template)
    }
}

fn cors(value: &Value) -> Option<Cors> {
    let words = |key: &str| value.get(key).texts();
    let origins = words("AllowOrigins");
    (!origins.is_empty()).then(|| Cors {
        origins,
        methods: words("AllowMethods"),
        headers: words("AllowHeaders"),
        exposed: words("ExposeHeaders"),
        max_age: value.get("MaxAge").text().and_then(|text| text.parse().ok()),
        credentials: value.get("AllowCredentials").text() == Some("true"),
    })
}

/// Refuses properties that would change how this behaves on AWS, and are not played here.
fn only(properties: &Value, known: &[&str], line: usize) -> Result<(), Error> {
    let Value::Map(properties) = properties else { return Ok(()) };
    match properties.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(error::wrong(line, format!("{name} is not played here"))),
        None => Ok(()),
    }
}

/// A number that a property may have.
fn number<T: std::str::FromStr>(value: &Value, key: &str, line: usize) -> Result<Option<T>, Error> {
    let Some(text) = value.get(key).text() else { return Ok(None) };
    text.parse().map(Some).map_err(|_| error::wrong(line, format!("{key} is no number: {text}")))
}
