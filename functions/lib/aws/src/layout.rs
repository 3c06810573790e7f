//! Where objects are in the bucket. The template's lifecycle rule, notification and
//! policies use these prefixes.

use dataset_core::blobs::Object;
use dataset_core::id::DatasetId;

const UPLOADS: &str = "uploads/";

pub(crate) fn key(object: Object) -> String {
    match object {
        Object::Upload(id) => format!("{UPLOADS}{id}"),
        Object::Rows(group, id) => format!("versions/{group}/{id}/rows.parquet"),
        Object::Export { made_on, dataset_id, extension } => format!("exports/{made_on}/{dataset_id}.{extension}"),
        Object::Answer { made_on, digest } => format!("exports/{made_on}/{digest:032x}.json"),
    }
}

/// The draft whose file has this key.
pub fn upload_of(key: &str) -> Option<DatasetId> {
    key.strip_prefix(UPLOADS)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataset_core::id::GroupId;

    #[test]
    fn keys() {
        let (id, group) = (DatasetId::new(42).expect("valid"), GroupId::new(7).expect("valid"));
        let made_on = "2026-01-31".parse().expect("valid");
        assert_eq!(key(Object::Upload(id)), "uploads/42");
        assert_eq!(key(Object::Rows(group, id)), "versions/7/42/rows.parquet");
        let answer = format!("exports/2026-01-31/{}.json", "0".repeat(30) + "ab");
        assert_eq!(key(Object::Answer { made_on, digest: 0xAB }), answer);
        assert_eq!(key(Object::Export { made_on, dataset_id: id, extension: "csv" }), "exports/2026-01-31/42.csv");
    }

    #[test]
    fn a_key_leads_back_to_its_draft() {
        let id = DatasetId::new(42).expect("valid");
        assert_eq!(upload_of(&key(Object::Upload(id))), Some(id));
        for other in ["uploads/", "uploads/x", "uploads/042", "uploads/42/x", "42", "versions/1/42/rows.parquet"] {
            assert_eq!(upload_of(other), None, "{other}");
        }
    }
}
