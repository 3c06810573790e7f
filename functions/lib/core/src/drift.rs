//! How a version differs in shape from the one before.

use crate::dataset::Contents;
use dataset_types::dataset::{Drift, EmptyShare};
use dataset_types::rows::RetypedColumn;
use std::collections::HashMap;

/// A share of empty cells that moved by more than this is told.
const MAX_MOVE: f64 = 0.05;

/// What is not the same, by the names of columns. `None` if one of them does not know its shape.
pub fn drift(before: &Contents, after: &Contents) -> Option<Drift> {
    let columns_of = |contents: &Contents| {
        let shape =
            contents.shape.iter().map(|shape| (shape.kind, shape.empty as f64 / contents.row_count.max(1) as f64));
        let columns: Vec<_> = contents.columns.iter().cloned().zip(shape).collect();
        (columns.len() == contents.columns.len()).then_some(columns)
    };
    let (before, after) = (columns_of(before)?, columns_of(after)?);
    let old: HashMap<&str, _> = before.iter().map(|(name, shape)| (name.as_str(), *shape)).collect();
    let new: HashMap<&str, _> = after.iter().map(|(name, shape)| (name.as_str(), *shape)).collect();
    let lacking = |columns: &[(String, _)], others: &HashMap<&str, _>| {
        columns.iter().map(|(name, _)| name.clone()).filter(|name| !others.contains_key(name.as_str())).collect()
    };
    let mut drift = Drift {
        columns_added: lacking(&after, &old),
        columns_removed: lacking(&before, &new),
        columns_retyped: vec![],
        empty_shares: vec![],
    };
    for (name, (kind, share)) in &after {
        let Some((old_kind, old_share)) = old.get(name.as_str()) else { continue };
        if kind != old_kind {
            drift.columns_retyped.push(RetypedColumn { name: name.clone(), before: *old_kind, after: *kind });
        }
        if (share - old_share).abs() > MAX_MOVE {
            drift.empty_shares.push(EmptyShare { name: name.clone(), before: *old_share, after: *share });
        }
    }
    Some(drift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ColumnShape;
    use dataset_types::rows::ColumnType::{Integer, Text};

    fn contents(rows: u64, columns: &[(&str, dataset_types::rows::ColumnType, u64)]) -> Contents {
        Contents {
            columns: columns.iter().map(|(name, ..)| (*name).to_owned()).collect(),
            row_count: rows,
            shape: columns.iter().map(|(_, kind, empty)| ColumnShape { kind: *kind, empty: *empty }).collect(),
            ..Contents::default()
        }
    }

    #[test]
    fn what_is_not_the_same_is_told() {
        let before = contents(100, &[("gone", Text, 0), ("same", Text, 5), ("typed", Text, 0), ("emptier", Text, 10)]);
        let after =
            contents(200, &[("emptier", Text, 31), ("typed", Integer, 0), ("same", Text, 20), ("new", Text, 0)]);
        let drift = drift(&before, &after).unwrap();
        assert_eq!((drift.columns_added, drift.columns_removed), (vec!["new".to_owned()], vec!["gone".to_owned()]));
        assert_eq!(
            drift.columns_retyped.iter().map(|c| (&*c.name, c.before, c.after)).collect::<Vec<_>>(),
            [("typed", Text, Integer)]
        );
        let shares: Vec<_> = drift.empty_shares.iter().map(|share| (&*share.name, share.before, share.after)).collect();
        assert_eq!(shares, [("emptier", 0.1, 0.155)]);
    }

    #[test]
    fn a_version_that_does_not_know_its_shape_says_nothing() {
        let known = contents(1, &[("a", Text, 0)]);
        let unknown = Contents { shape: vec![], ..known.clone() };
        assert!(drift(&unknown, &known).is_none() && drift(&known, &unknown).is_none());
        let same = drift(&known, &known).unwrap();
        assert!(same.columns_added.is_empty() && same.columns_retyped.is_empty() && same.empty_shares.is_empty());
    }
}
