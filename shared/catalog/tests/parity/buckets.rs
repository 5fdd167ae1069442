//! Nobody reads a bucket who should not.

use serde_yaml_ng::Value;

use crate::template::{at, template};

/// The resources of a type.
fn resources(of_type: &str) -> Vec<(String, Value)> {
    let template = template();
    let all = template["Resources"].as_mapping().unwrap().clone();
    let all = all.into_iter().map(|(id, resource)| (id.as_str().unwrap().to_owned(), resource));
    all.filter(|(_, resource)| resource["Type"].as_str() == Some(of_type)).collect()
}

#[test]
fn each_bucket_is_private_encrypted_and_stays() {
    let buckets = resources("AWS::S3::Bucket");
    assert_eq!(buckets.len(), 1, "a bucket that this test does not know");
    let policies = resources("AWS::S3::BucketPolicy");
    for (id, bucket) in buckets {
        let property = |path: &[&str]| at(&bucket["Properties"], path).cloned().unwrap_or_default();
        for block in
            ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
        {
            let blocked = property(&["PublicAccessBlockConfiguration", block]);
            assert_eq!(blocked.as_bool(), Some(true), "{id}: {block}");
        }
        let encryption = property(&["BucketEncryption", "ServerSideEncryptionConfiguration"]);
        let algorithm = &encryption[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"];
        assert_eq!(algorithm.as_str(), Some("aws:kms"), "{id}");
        assert_eq!(bucket["DeletionPolicy"].as_str(), Some("Retain"), "{id}");
        // No policy lets anybody in: the only statements are those that shut somebody out.
        let of_this = |policy: &&(String, Value)| matches!(&policy.1["Properties"]["Bucket"], Value::Tagged(tag) if tag.value.as_str() == Some(&id));
        let (_, policy) = policies.iter().find(of_this).unwrap();
        let statements = policy["Properties"]["PolicyDocument"]["Statement"].as_sequence();
        let statements = statements.unwrap();
        assert!(statements.iter().all(|one| one["Effect"].as_str() == Some("Deny")), "{id}");
        let plain = |one: &&Value| {
            one["Condition"]["Bool"]["aws:SecureTransport"].as_str() == Some("false")
        };
        assert_eq!(statements.iter().filter(plain).count(), 1, "{id} is reached without TLS");
    }
}

#[test]
fn files_are_kept_for_as_long_as_the_api_says() {
    let (_, bucket) = resources("AWS::S3::Bucket").remove(0);
    let rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"].as_sequence().cloned();
    let rules = rules.unwrap();
    let expires = rules.iter().find_map(|rule| rule["ExpirationInDays"].as_u64());
    // api.finish_export_v1 says so, too.
    assert_eq!(expires, Some(7));
    let parts = rules.iter().find_map(|rule| {
        at(rule, &["AbortIncompleteMultipartUpload", "DaysAfterInitiation"])?.as_u64()
    });
    assert_eq!(parts, Some(1));
}
