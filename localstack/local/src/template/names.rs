//! What resources are called in the local cloud, as `!Ref`, `!GetAtt` and the pseudo parameters say it.

use super::node::{Kind, Node};

/// The account that LocalStack plays.
pub const ACCOUNT: &str = "000000000000";

/// Names the template's resources.
#[derive(Clone, Copy)]
pub(crate) struct Names<'t> {
    pub(crate) template: &'t Node,
    pub(crate) region: &'t str,
    /// Where queues are.
    pub(crate) endpoint: &'t str,
}

impl Names<'_> {
    /// `AWS::Region` and the like.
    pub(crate) fn pseudo(&self, name: &str) -> Option<String> {
        Some(match name {
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Region" => self.region.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackName" => "local".to_owned(),
            "AWS::StackId" => {
                format!("arn:aws:cloudformation:{}:{ACCOUNT}:stack/local", self.region)
            }
            _ => return None,
        })
    }

    /// What `!Ref` gives.
    pub(crate) fn of(&self, id: &str) -> Option<String> {
        let name = self.name(id)?;
        Some(match self.kind(id)? {
            // As LocalStack writes it with SQS_ENDPOINT_STRATEGY=path.
            "AWS::SQS::Queue" => {
                format!("{}/queue/{}/{ACCOUNT}/{name}", self.endpoint, self.region)
            }
            "AWS::SNS::Topic" => self.arn("sns", &name),
            _ => name,
        })
    }

    /// What `!GetAtt` gives.
    pub(crate) fn attribute(&self, id: &str, attribute: &str) -> Option<String> {
        let name = self.name(id)?;
        Some(match (self.kind(id)?, attribute) {
            ("AWS::SQS::Queue", "Arn") => self.arn("sqs", &name),
            ("AWS::SQS::Queue", "QueueName") | ("AWS::SNS::Topic", "TopicName") => name,
            ("AWS::SQS::Queue", "QueueUrl") => self.of(id)?,
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{name}"),
            ("AWS::Serverless::Function", "Arn") => self.arn("lambda", &format!("function:{name}")),
            _ => return None,
        })
    }

    fn kind(&self, id: &str) -> Option<&str> {
        text(self.template.at(&["Resources", id, "Type"])?)
    }

    /// The name it is given, or what CloudFormation would make of its id.
    fn name(&self, id: &str) -> Option<String> {
        let (property, fallback) = match self.kind(id)? {
            "AWS::SQS::Queue" => ("QueueName", id.to_owned()),
            "AWS::SNS::Topic" => ("TopicName", id.to_owned()),
            "AWS::S3::Bucket" => ("BucketName", id.to_lowercase()),
            "AWS::Serverless::Function" => {
                let binary = ["Resources", id, "Metadata", "BuildProperties", "Binary"];
                ("FunctionName", self.template.at(&binary).and_then(text).unwrap_or(id).to_owned())
            }
            _ => ("Name", id.to_owned()),
        };
        let given = self.template.at(&["Resources", id, "Properties", property]);
        Some(given.and_then(text).map_or(fallback, str::to_owned))
    }

    fn arn(&self, service: &str, name: &str) -> String {
        format!("arn:aws:{service}:{}:{ACCOUNT}:{name}", self.region)
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Text(text) => Some(text),
        _ => None,
    }
}
