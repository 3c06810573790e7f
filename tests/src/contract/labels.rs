//! What a port for labels must do.

use super::catalog::{event, publication};
use crate::{draft, group, start};
use dataset_core::catalog::{Catalog, Published};
use dataset_core::dataset::Dataset;
use dataset_core::id::UserId;
use dataset_core::labels::{Label, LabelName, Labels, Move, Moved, Moving};
use jiff::ToSpan;
use std::collections::BTreeSet;

pub async fn labels(labels: &dyn Labels, catalog: &dyn Catalog) {
    let group = group(75, 75, "labels");
    catalog.create_group(&group).await.unwrap();
    let drafts = [751, 752, 753].map(|id| draft(id, &group, "a.csv"));
    for (number, draft) in (1..).zip(&drafts) {
        catalog.create_draft(draft).await.unwrap();
        if number < 3 {
            assert_eq!(catalog.publish(&publication(draft, number)).await.unwrap(), Published::Done);
        }
    }
    let prod: LabelName = "prod".parse().unwrap();
    let at = |number: usize, moves: &[u64]| Label {
        name: prod.clone(),
        dataset_id: drafts[number - 1].id,
        moves: moves
            .iter()
            .map(|version| Move { version: *version, at: start(), user_id: UserId::new(1).unwrap() })
            .collect(),
    };
    let moving = |from: Option<&Label>, to: Option<&Label>| Moving {
        group_id: group.id,
        name: prod.clone(),
        from: from.map(|label| label.dataset_id),
        to: to.cloned(),
        event: event(&drafts[2], start() + 30.seconds()),
    };
    let (first, second, third) = (at(1, &[1]), at(2, &[2, 1]), at(3, &[3]));
    let where_it_is = async || labels.label(group.id, &prod).await.unwrap();
    let of = async |dataset: &Dataset| catalog.dataset(dataset.id).await.unwrap().unwrap().labels;
    let with = BTreeSet::from([prod.clone()]);

    assert_eq!(where_it_is().await, None);
    assert_eq!(labels.move_label(&moving(Some(&first), Some(&second))).await.unwrap(), Moved::Elsewhere);
    assert_eq!(labels.move_label(&moving(Some(&first), None)).await.unwrap(), Moved::Elsewhere);
    assert_eq!(labels.move_label(&moving(None, Some(&third))).await.unwrap(), Moved::NoVersion, "it is a draft");
    assert_eq!(catalog.outbox_entry(&moving(None, None).event.event_id).await.unwrap(), None);

    assert_eq!(labels.move_label(&moving(None, Some(&first))).await.unwrap(), Moved::Done);
    assert_eq!(labels.move_label(&moving(None, Some(&second))).await.unwrap(), Moved::Elsewhere);
    assert_eq!((where_it_is().await, of(&drafts[0]).await), (Some(first.clone()), with.clone()));
    let event = moving(None, None).event;
    assert_eq!(catalog.outbox_entry(&event.event_id).await.unwrap(), Some(event.clone()));

    assert_eq!(labels.move_label(&moving(Some(&first), Some(&second))).await.unwrap(), Moved::Done);
    assert_eq!((of(&drafts[0]).await, of(&drafts[1]).await), (BTreeSet::new(), with));
    assert_eq!(labels.labels(group.id).await.unwrap(), std::slice::from_ref(&second));

    // A version that has a label stays, and one that is deleted gets none.
    let refused = catalog.set_deleted(&drafts[1], true).await.unwrap_err();
    assert_eq!(refused.code().name(), "dataset_labelled");
    assert!(catalog.set_deleted(&drafts[0], true).await.unwrap());
    assert_eq!(labels.move_label(&moving(Some(&second), Some(&first))).await.unwrap(), Moved::NoVersion);
    assert_eq!(labels.move_label(&moving(Some(&second), None)).await.unwrap(), Moved::Done);
    assert_eq!((where_it_is().await, of(&drafts[1]).await), (None, BTreeSet::new()));
    assert!(catalog.set_deleted(&drafts[1], true).await.unwrap());
    catalog.close_outbox_entry(&event.event_id).await.unwrap();
}
