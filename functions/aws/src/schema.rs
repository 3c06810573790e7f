//! The table as an engine of one's own has to be told of it. In AWS the
//! template makes it; a test holds the two against each other.

use crate::failure::unexpected;
use crate::table::{DUE_INDEX, GROUP_INDEX, Table, WORKSPACE_INDEX, build_error};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use dataset_core::Result;

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
