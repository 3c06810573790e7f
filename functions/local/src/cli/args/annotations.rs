//! What is said of a dataset for people, and to find it by.

use super::{DatasetName, Remote};
use crate::client::Trouble;
use clap::{Args, ValueEnum};
use dataset_types::annotations::{self as api, AnnotateDataset, Description, Metadata, Tag, Tags};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What is said of it")]
pub(crate) struct Annotations {
    /// Text for people.
    #[arg(long, value_name = "TEXT")]
    description: Option<Description>,
    /// A word to find it by; may be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<Tag>,
    /// A JSON object of at most 4 KB, such as '{"stage": "gold"}'.
    #[arg(long, value_name = "JSON")]
    metadata: Option<Metadata>,
}

impl Annotations {
    pub(crate) fn of_upload(&self) -> anyhow::Result<api::Annotations> {
        let AnnotateDataset { description, tags, metadata } = self.change()?;
        Ok(api::Annotations {
            description: description.flatten(),
            tags: tags.unwrap_or_default(),
            metadata: metadata.unwrap_or_default(),
        })
    }

    fn change(&self) -> anyhow::Result<AnnotateDataset> {
        let tags = if self.tags.is_empty() { None } else { Some(self.tags.clone().try_into()) };
        Ok(AnnotateDataset {
            description: self.description.clone().map(Some),
            tags: tags.transpose().map_err(anyhow::Error::msg)?,
            metadata: self.metadata.clone(),
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Annotate {
    /// The id of the dataset, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(crate) id: DatasetName,
    #[command(flatten)]
    annotations: Annotations,
    /// What is taken away; may be given several times.
    #[arg(long, value_name = "WHICH")]
    clear: Vec<Which>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Description,
    Tags,
    Metadata,
}

impl Annotate {
    /// What is not given stays.
    pub(crate) fn change(&self) -> anyhow::Result<AnnotateDataset> {
        let mut change = self.annotations.change()?;
        let usage = |message: &str| Err(Trouble::Usage(message.to_owned()).into());
        if change == AnnotateDataset::default() && self.clear.is_empty() {
            return usage("say what is to change: --description, --tag, --metadata or --clear");
        }
        for which in &self.clear {
            let is_set = match which {
                Which::Description => change.description.as_ref().is_some_and(Option::is_some),
                Which::Tags => change.tags.as_ref().is_some_and(|tags| !tags.is_empty()),
                Which::Metadata => change.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty()),
            };
            if is_set {
                return usage("what is given replaces what is there; leave --clear out for it");
            }
            match which {
                Which::Description => change.description = Some(None),
                Which::Tags => change.tags = Some(Tags::default()),
                Which::Metadata => change.metadata = Some(Metadata::default()),
            }
        }
        Ok(change)
    }
}
