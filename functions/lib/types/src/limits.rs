//! Limits that clients meet.

/// The largest file that is taken in, decoded: 100 MB as the API counts them.
pub const MAX_FILE_BYTES: u64 = 104_857_600;

/// The largest file that goes within a request, in base64; a larger one is sent straight to storage. API
/// Gateway hands a Lambda 6 MB at most, and base64 makes four bytes of three.
pub const MAX_INLINE_BYTES: u64 = 4 << 20;

/// The longest body of a from-file call: the base64 of the largest file, with an escaped line break after each 76
/// symbols, and 1 MiB for the rest.
pub const MAX_FROM_FILE_BODY_BYTES: u64 = MAX_FILE_BYTES / 3 * 4 / 76 * 80 + (1 << 20);

/// The longest file name, in characters.
pub const MAX_FILE_NAME_CHARS: usize = 255;

/// The longest name of a group, in characters.
pub const MAX_GROUP_NAME_CHARS: usize = 255;

/// The longest `Idempotency-Key`, in characters.
pub const MAX_IDEMPOTENCY_KEY_CHARS: usize = 255;

/// The longest text that rows are searched for, in characters.
pub const MAX_SEARCH_CHARS: usize = 255;

/// The metadata of a dataset, as JSON without spaces.
pub const MAX_METADATA_BYTES: usize = 4_096;

/// Arrays and objects of metadata within each other.
pub const MAX_METADATA_DEPTH: usize = 32;

/// The longest URL of a webhook, in characters.
pub const MAX_URL_CHARS: usize = 2_048;

/// Webhooks of a workspace: each event is a delivery to each of them.
pub const MAX_WEBHOOKS: usize = 250;

/// Items of a page of a list.
pub const MAX_PER_PAGE: u64 = 100;

/// Rows of each sort in a comparison.
pub const MAX_EXAMPLES: u64 = 100;

/// The largest integer that a double, and so every JSON client, can hold.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// How much of a file can be previewed.
pub const MAX_HEAD_BYTES: usize = 1 << 20;
