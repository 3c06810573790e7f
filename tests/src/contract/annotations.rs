//! What a catalog must do with what people say of datasets.

use super::catalog::publication;
use crate::{dataset_id, draft, group, start};
use dataset_core::catalog::{Catalog, Published};
use dataset_core::dataset::{Annotations, Dataset};
use dataset_types::annotations::AnnotateDataset;
use jiff::ToSpan;

pub(super) async fn annotations(catalog: &dyn Catalog) {
    let group = group(76, 76, "annotations");
    catalog.create_group(&group).await.unwrap();
    let change = |json: &str| serde_json::from_str::<AnnotateDataset>(json).unwrap();
    let mut said = Annotations::default();
    said.change(&change(r#"{"description":"a\n\"é","tags":["b","a"],"metadata":{"c":{"d":[1,0.5,null]}}}"#));
    let mut with = Dataset { annotations: said, ..draft(761, &group, "a.csv") };
    let mut without = draft(762, &group, "a.csv");
    for draft in [&with, &without] {
        catalog.create_draft(draft).await.unwrap();
        assert_eq!(catalog.dataset(draft.id).await.unwrap().as_ref(), Some(draft));
    }

    // Whatever else happens to them, they stay.
    assert_eq!(catalog.publish(&publication(&with, 1)).await.unwrap(), Published::Done);
    with.state = catalog.dataset(with.id).await.unwrap().unwrap().state;
    for json in [
        "{}",
        r#"{"tags":["z"]}"#,
        r#"{"description":null,"metadata":{"e":1}}"#,
        r#"{"description":"f","tags":null,"metadata":{}}"#,
        r#"{"description":null}"#,
        r#"{"description":"g","tags":["h"],"metadata":{"i":"j"}}"#,
    ] {
        for dataset in [&mut with, &mut without] {
            dataset.annotations.change(&change(json));
            assert_eq!(catalog.annotate(dataset.id, &change(json)).await.unwrap().as_ref(), Some(&*dataset), "{json}");
            assert_eq!(catalog.dataset(dataset.id).await.unwrap().as_ref(), Some(&*dataset), "{json}");
        }
    }

    // What is no dataset becomes none.
    assert!(catalog.withdraw(&without, start() + 30.seconds()).await.unwrap());
    for id in [without.id, dataset_id(763)] {
        for json in ["{}", r#"{"description":"k"}"#] {
            assert_eq!(catalog.annotate(id, &change(json)).await.unwrap(), None, "{json}");
        }
        assert_eq!(catalog.dataset(id).await.unwrap(), None);
    }
}
