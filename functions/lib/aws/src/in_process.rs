//! Services that speak AWS's protocols within this process: the SDK's clients call them without a socket.

use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Frame, SizeHint};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use sync_wrapper::SyncWrapper;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

/// The body of a request or a response.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A service that speaks one of AWS's protocols.
pub type InProcess = BoxCloneSyncService<Request<Body>, Response<Body>, io::Error>;

/// An HTTP client for the SDK that calls `service` for every request.
pub(crate) fn http_client(service: InProcess) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(service));
    http_client_fn(move |_, _| connector.clone())
}

struct Connector(InProcess);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            // After a transient error, the SDK drops the connection; here there is none.
            if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
                capture.set_connection_retriever(|| {
                    Some(ConnectionMetadata::builder().proxied(false).poison_fn(|| ()).build())
                });
            }
            let request = as_received(request).map_err(|e| ConnectorError::user(e.into()))?;
            let is_head = request.method() == Method::HEAD;
            let response = service.oneshot(request).await.map_err(|e| ConnectorError::io(e.into()))?;
            // HTTP has no body in a response to HEAD.
            let response = response.map(|body| match is_head {
                true => SdkBody::empty(),
                false => SdkBody::from_body_1_x(SyncBody(SyncWrapper::new(body))),
            });
            HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}

/// The request as a server receives it over HTTP/1.1.
fn as_received(request: Request<SdkBody>) -> Result<Request<Body>, http::Error> {
    let (mut parts, body) = request.into_parts();
    if let Some(host) = parts.uri.authority() {
        let host = HeaderValue::from_str(host.as_str())?;
        parts.headers.entry(header::HOST).or_insert(host);
    }
    parts.uri = parts.uri.path_and_query().map_or_else(|| Ok(Uri::default()), |path| path.as_str().parse())?;
    Ok(Request::from_parts(parts, UnsyncBoxBody::new(body.map_err(io::Error::other))))
}

/// The SDK requires bodies to be `Sync`; this one is only ever used by one thread at a time.
struct SyncBody(SyncWrapper<Body>);

impl hyper::body::Body for SyncBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(self.0.get_mut()).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        // The wrapper gives no shared access, so the hint is unknown.
        SizeHint::default()
    }
}
