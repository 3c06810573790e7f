//! What a port for schemas must do.

use crate::start;
use dataset_core::id::{GroupId, UserId};
use dataset_core::schemas::{Schema, Schemas};

pub async fn schemas(schemas: &dyn Schemas) {
    let group = GroupId::new(70).unwrap();
    let schema = |version, text: &str| Schema {
        version,
        text: text.to_owned(),
        set_at: start(),
        user_id: UserId::new(1).unwrap(),
        is_removed: false,
    };
    let (first, second) = (schema(1, "{}"), schema(2, r#"{"type": "object"}"#));
    assert_eq!(schemas.last_schema(group).await.unwrap(), None);
    assert_eq!(schemas.schema(group, 1).await.unwrap(), None);
    assert!(!schemas.remove_schema(group, 1).await.unwrap());
    assert!(!schemas.put_schema(group, &second).await.unwrap(), "there is none before it");

    // A repeat of the same call, and another call that comes too late.
    for _ in 0..2 {
        assert!(schemas.put_schema(group, &first).await.unwrap());
    }
    assert!(!schemas.put_schema(group, &schema(1, "[]")).await.unwrap());
    assert_eq!(schemas.last_schema(group).await.unwrap(), Some(first.clone()));
    assert_eq!(schemas.last_schema(GroupId::new(71).unwrap()).await.unwrap(), None);

    // The number of one that is taken away is not given again.
    for _ in 0..2 {
        assert!(schemas.remove_schema(group, 1).await.unwrap());
    }
    assert_eq!(schemas.last_schema(group).await.unwrap(), Some(Schema { is_removed: true, ..first.clone() }));
    assert!(!schemas.put_schema(group, &first).await.unwrap());
    assert!(schemas.put_schema(group, &second).await.unwrap());
    assert!(!schemas.remove_schema(group, 1).await.unwrap());
    assert_eq!(schemas.last_schema(group).await.unwrap(), Some(second.clone()));
    for kept in [first, second] {
        assert_eq!(schemas.schema(group, kept.version).await.unwrap(), Some(kept));
    }
    assert_eq!(schemas.schema(group, 3).await.unwrap(), None);
}
