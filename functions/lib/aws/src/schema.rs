//! Creates the table, the bucket and the queue in the local engines. In AWS the
//! template does; a test compares its table with this one.

use crate::failure::unexpected;
use crate::table::{DRAFTS_INDEX, DUE_INDEX, GROUP_INDEX, Table, WORKSPACE_INDEX, build_error};
use crate::{Aws, Bucket, SqsQueue};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use dataset_core::{Error, Result};

const ATTRIBUTES: [(&str, ScalarAttributeType); 8] = [
    ("pk", ScalarAttributeType::S),
    ("sk", ScalarAttributeType::S),
    ("due_shard", ScalarAttributeType::S),
    ("due_at", ScalarAttributeType::N),
    ("in_group", ScalarAttributeType::S),
    ("in_workspace", ScalarAttributeType::S),
    ("drafts_of", ScalarAttributeType::S),
    ("id", ScalarAttributeType::N),
];

/// The attributes that lists filter and sort by.
const LISTED: &[&str] = &["group_id", "status", "version", "finished_at", "is_deleted"];

/// Name, hash key, range key, and projected attributes.
const INDEXES: [(&str, &str, &str, &[&str]); 4] = [
    (DUE_INDEX, "due_shard", "due_at", &[]),
    (GROUP_INDEX, "in_group", "id", LISTED),
    (WORKSPACE_INDEX, "in_workspace", "id", LISTED),
    (DRAFTS_INDEX, "drafts_of", "id", &["group_id", "status"]),
];

impl Table {
    /// Creates the table unless it exists.
    pub async fn create_if_missing(&self) -> Result<()> {
        let mut call = self
            .client
            .create_table()
            .table_name(&self.name)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key("pk", KeyType::Hash)?)
            .key_schema(key("sk", KeyType::Range)?);
        for (name, kind) in ATTRIBUTES {
            let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(kind);
            call = call.attribute_definitions(definition.build().map_err(build_error)?);
        }
        for (name, hash, range, included) in INDEXES {
            let index = GlobalSecondaryIndex::builder()
                .index_name(name)
                .key_schema(key(hash, KeyType::Hash)?)
                .key_schema(key(range, KeyType::Range)?)
                .projection(projection(included));
            call = call.global_secondary_indexes(index.build().map_err(build_error)?);
        }
        match call.send().await {
            Ok(_) => Ok(()),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => Ok(()),
            Err(e) => Err(unexpected("the table")(e)),
        }
    }
}

impl Bucket {
    /// Creates the bucket unless it exists.
    pub async fn create_if_missing(&self) -> Result<()> {
        if self.client.head_bucket().bucket(&self.name).send().await.is_ok() {
            return Ok(());
        }
        self.client.create_bucket().bucket(&self.name).send().await.map_err(unexpected("storage"))?;
        Ok(())
    }
}

/// Receives of a message before it goes to the dead-letter queue.
const MAX_RECEIVES: u32 = 5;

impl Aws {
    /// Creates the queue and its dead-letter queue, unless they exist.
    /// `visibility_seconds` is how long a received message stays hidden.
    pub async fn create_queue(&self, name: &str, visibility_seconds: u32) -> Result<SqsQueue> {
        let client = self.queue("").client;
        let create = |name: String| client.create_queue().queue_name(name);
        let dead = create(format!("{name}-dead")).send().await.map_err(unexpected("the queue"))?;
        let dead = client
            .get_queue_attributes()
            .set_queue_url(dead.queue_url)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .map_err(unexpected("the queue"))?;
        let arn = dead.attributes.unwrap_or_default().remove(&QueueAttributeName::QueueArn);
        let arn = arn.ok_or_else(|| Error::internal("the dead-letter queue has no ARN"))?;
        let redrive = serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES });
        let created = create(name.to_owned())
            .attributes(QueueAttributeName::VisibilityTimeout, visibility_seconds.to_string())
            .attributes(QueueAttributeName::RedrivePolicy, redrive.to_string())
            .send()
            .await
            .map_err(unexpected("the queue"))?;
        let url = created.queue_url.ok_or_else(|| Error::internal("the queue has no URL"))?;
        Ok(self.queue(&url))
    }
}

fn projection(included: &[&str]) -> Projection {
    if included.is_empty() {
        return Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    }
    let included = included.iter().map(|name| (*name).to_owned()).collect();
    Projection::builder().projection_type(ProjectionType::Include).set_non_key_attributes(Some(included)).build()
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(build_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether these lines stand one after another in `template.yaml`.
    fn says(template: &str, lines: &[String]) -> bool {
        let flat: Vec<&str> = template.lines().map(|l| l.trim().trim_start_matches("- ")).collect();
        flat.windows(lines.len()).any(|window| window.iter().zip(lines).all(|(a, b)| a == b))
    }

    #[test]
    fn the_template_makes_the_same_table() {
        let template = include_str!("../../../../template.yaml");
        for (name, kind) in ATTRIBUTES {
            let lines = [format!("AttributeName: {name}"), format!("AttributeType: {kind}")];
            assert!(says(template, &lines), "{lines:?}");
        }
        for (name, hash, range, included) in INDEXES {
            let mut lines = vec![
                format!("IndexName: {name}"),
                "KeySchema:".into(),
                format!("AttributeName: {hash}"),
                "KeyType: HASH".into(),
                format!("AttributeName: {range}"),
                "KeyType: RANGE".into(),
                "Projection:".into(),
                format!("ProjectionType: {}", if included.is_empty() { "KEYS_ONLY" } else { "INCLUDE" }),
            ];
            if !included.is_empty() {
                lines.push(format!("NonKeyAttributes: [{}]", included.join(", ")));
            }
            assert!(says(template, &lines), "{lines:?}");
        }
    }
}
