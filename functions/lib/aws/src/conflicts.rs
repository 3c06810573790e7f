//! Requests that meet another write of the same thing. Either ends soon, so the SDK tries again.

use aws_sdk_dynamodb::config::interceptors::InterceptorContext;
use aws_sdk_dynamodb::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

/// S3 answers 409 to one of two conditional writes of an object, and DynamoDB refuses to write an item that
/// is in a transaction.
#[derive(Debug)]
pub(crate) struct Conflicts;

impl ClassifyRetry for Conflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err).and_then(|error| error.as_operation_error());
        let code = error.and_then(|error| {
            let code_of_put = error.downcast_ref::<PutItemError>().map(ProvideErrorMetadata::code);
            let code_of_update = || error.downcast_ref::<UpdateItemError>().map(ProvideErrorMetadata::code);
            let code_of_delete = || error.downcast_ref::<DeleteItemError>().map(ProvideErrorMetadata::code);
            code_of_put.or_else(code_of_update).or_else(code_of_delete)?
        });
        let status = context.response().map(|response| response.status().as_u16());
        if code == Some("TransactionConflictException") || status == Some(409) {
            return RetryAction::transient_error();
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "conflict with another write"
    }
}
