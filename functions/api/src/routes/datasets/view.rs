//! A dataset as clients see it.

use dataset_core::dataset::{Annotations, Contents, Dataset, State, Status};
use dataset_core::group::Group;
use dataset_types::dataset as api;

pub(super) fn view(dataset: Dataset, group: &Group) -> api::Dataset {
    let (version_number, status) = (dataset.version_number(), dataset.state.status());
    let (finished_at, contents, failure) = match dataset.state {
        State::Draft { .. } => (None, None, None),
        State::Ready { finished_at, contents, .. } => (Some(finished_at), Some(contents), None),
        State::Failed { finished_at, failure } => (Some(finished_at), None, Some(failure)),
    };
    let row_count = contents.as_ref().map(|contents| contents.row_count);
    let Contents { dialect, notices, schema_version, file_sha256, rows_sha256, .. } =
        contents.clone().unwrap_or_default();
    let Annotations { description, tags, metadata } = dataset.annotations;
    let column_names = contents.map(|contents| contents.columns);
    api::Dataset {
        id: dataset.id,
        dataset_group_id: dataset.group_id,
        version_number,
        row_count,
        column_names,
        column_names_cut: false,
        is_deleted: dataset.is_deleted,
        user_id: dataset.user_id,
        dataset_group: api::GroupOfDataset {
            id: group.id,
            name: group.name.clone(),
            workspace_id: group.workspace_id,
            is_deleted: group.is_deleted,
        },
        external_ids: [],
        filter_params: None,
        status,
        file_name: dataset.file_name.as_str().to_owned(),
        file_size: dataset.file_size_bytes,
        created_at: dataset.created_at.into(),
        finished_at: finished_at.map(Into::into),
        failure,
        file_due_at: (status == Status::Draft).then(|| dataset.file_due_at.into()),
        dialect,
        notices,
        schema_version,
        labels: dataset.labels.into_iter().collect(),
        description,
        tags,
        metadata,
        file_sha256,
        rows_sha256,
        drift: None,
    }
}
