//! Bodies of requests that are answered before they have come.
//!
//! hyper closes the connection of such a request, and then a client that is still sending, as most do before they look
//! for an answer, finds a broken connection in its place. So what nobody reads is read on, and thrown away.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use dataset_types::limits::MAX_FROM_FILE_BODY_BYTES;
use futures::StreamExt;
use http_body::{Frame, SizeHint};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;

/// Between two pieces.
const IDLE_TIME: Duration = Duration::from_secs(5);

/// Has the rest of a request's body read when whoever answers it drops it.
pub(crate) fn read_on(request: Request) -> Request {
    // Such a client sends nothing before it is asked to, which is when its body is first read.
    let is_coming = !request.headers().contains_key(EXPECT);
    request.map(|body| Body::new(Unread { body, is_coming }))
}

struct Unread {
    body: Body,
    is_coming: bool,
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_coming = true;
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        // Where the service stops there may be no runtime any more.
        if self.is_coming
            && !self.body.is_end_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(throw_away(mem::take(&mut self.body)));
        }
    }
}

async fn throw_away(body: Body) {
    let (mut chunks, mut length) = (body.into_data_stream(), 0);
    while length <= MAX_FROM_FILE_BODY_BYTES
        && let Ok(Some(Ok(chunk))) = tokio::time::timeout(IDLE_TIME, chunks.next()).await
    {
        length += chunk.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    const LENGTH: usize = 30_000_000;

    async fn connect() -> TcpStream {
        let refusing = axum::Router::new().fallback(async || StatusCode::UNAUTHORIZED);
        let routes = refusing.layer(axum::middleware::map_request(async |request| read_on(request)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(axum::serve(listener, routes).into_future());
        stream
    }

    async fn send(stream: &mut TcpStream, headers: &str) {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
    }

    async fn is_refused(stream: &mut TcpStream) -> bool {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        answer == *b"HTTP/1.1 401"
    }

    #[tokio::test]
    async fn who_sends_first_and_reads_then_is_answered() {
        let mut stream = connect().await;
        send(&mut stream, &format!("Content-Length: {LENGTH}\r\n")).await;
        stream.write_all(&vec![b'x'; LENGTH]).await.unwrap();
        assert!(is_refused(&mut stream).await);
        // The connection is as good as before.
        send(&mut stream, "Connection: close\r\n").await;
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert!(rest.contains("HTTP/1.1 401"), "{rest}");
    }

    #[tokio::test]
    async fn who_asks_before_it_sends_is_answered_at_once() {
        let mut stream = connect().await;
        send(&mut stream, &format!("Content-Length: {LENGTH}\r\nExpect: 100-continue\r\n")).await;
        assert!(is_refused(&mut stream).await);
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert!(!rest.contains("100 Continue"));
    }
}
