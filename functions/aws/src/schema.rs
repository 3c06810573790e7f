//! The table, the bucket and the queue as an engine of one's own has to be
//! told of them. In AWS the template makes them; a test holds the table there
//! against the one here.

use crate::failure::unexpected;
use crate::table::{DUE_INDEX, GROUP_INDEX, Table, WORKSPACE_INDEX, build_error};
use crate::{Aws, Bucket, SqsQueue};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use dataset_core::{Error, Result};

const ATTRIBUTES: [(&str, ScalarAttributeType); 7] = [
    ("pk", ScalarAttributeType::S),
    ("sk", ScalarAttributeType::S),
    ("due_shard", ScalarAttributeType::S),
    ("due_at", ScalarAttributeType::N),
    ("in_group", ScalarAttributeType::S),
    ("in_workspace", ScalarAttributeType::S),
    ("id", ScalarAttributeType::N),
];

/// Name, hash key, range key, projection.
const INDEXES: [(&str, &str, &str, ProjectionType); 3] = [
    (DUE_INDEX, "due_shard", "due_at", ProjectionType::KeysOnly),
    (GROUP_INDEX, "in_group", "id", ProjectionType::All),
    (WORKSPACE_INDEX, "in_workspace", "id", ProjectionType::All),
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
        for (name, hash, range, projection) in INDEXES {
            let index = GlobalSecondaryIndex::builder()
                .index_name(name)
                .key_schema(key(hash, KeyType::Hash)?)
                .key_schema(key(range, KeyType::Range)?)
                .projection(Projection::builder().projection_type(projection).build());
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

/// How often a message is received before it goes to the dead-letter queue.
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

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(build_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `template.yaml` says, among its lines, these one after another.
    fn says(template: &str, lines: &[String]) -> bool {
        let flat: Vec<&str> = template.lines().map(|l| l.trim().trim_start_matches("- ")).collect();
        flat.windows(lines.len()).any(|window| window.iter().zip(lines).all(|(a, b)| a == b))
    }

    #[test]
    fn the_template_makes_the_same_table() {
        let template = include_str!("../../../template.yaml");
        for (name, kind) in ATTRIBUTES {
            let lines = [format!("AttributeName: {name}"), format!("AttributeType: {kind}")];
            assert!(says(template, &lines), "{lines:?}");
        }
        for (name, hash, range, projection) in INDEXES {
            let lines = [
                format!("IndexName: {name}"),
                "KeySchema:".into(),
                format!("AttributeName: {hash}"),
                "KeyType: HASH".into(),
                format!("AttributeName: {range}"),
                "KeyType: RANGE".into(),
                "Projection:".into(),
                format!("ProjectionType: {projection}"),
            ];
            assert!(says(template, &lines), "{lines:?}");
        }
    }
}
