//! Receivers that do what no receiver should.

use super::Setting;
use async_trait::async_trait;
use dataset_core::clock::Clock;
use dataset_core::delivery::{Attempt, DeliveryState, MAX_RETRY_AFTER};
use dataset_core::destination::Policy;
use dataset_core::resolver::Resolver;
use dataset_tests::receiver::{Raw, Receiver};
use futures::future::join_all;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";

/// Takes what is sent, as far as it matters.
async fn listen(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0; 8192]).await;
}

/// One byte now and then, for ever.
async fn drip(mut stream: TcpStream, start: Vec<u8>) {
    listen(&mut stream).await;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let _ = stream.write_all(&start).await;
    while stream.write_all(b"x").await.is_ok() {
        ticks.tick().await;
    }
}

/// The same, as fast as it goes.
async fn flood(mut stream: TcpStream, start: Vec<u8>, again: &[u8]) {
    listen(&mut stream).await;
    let _ = stream.write_all(&start).await;
    while stream.write_all(again).await.is_ok() {}
}

async fn hang(stream: TcpStream) {
    std::future::pending::<()>().await;
    drop(stream);
}

/// What the first attempt at a receiver comes to: its error and the status.
async fn first_attempt(receiver: &Raw) -> Attempt {
    let setting = Setting::with(&receiver.url, 1, Policy::private()).await;
    setting.attempt([0]).await;
    let delivery = setting.delivery().await;
    let [attempt] = &delivery.attempts[..] else { panic!("{delivery:?}") };
    let delivered = delivery.state == DeliveryState::Delivered;
    assert_eq!(delivered, attempt.error.is_none());
    attempt.clone()
}

#[tokio::test]
async fn whoever_takes_forever_gets_fifteen_seconds() {
    let body = [HEAD, b"content-length: 100000\r\n\r\n"].concat();
    let receivers = [
        Raw::start(hang).await,
        Raw::start(|stream| drip(stream, HEAD.to_vec())).await,
        Raw::start(move |stream| drip(stream, body.clone())).await,
    ];
    for Attempt { error, status, .. } in join_all(receivers.iter().map(first_attempt)).await {
        assert_eq!(error.as_deref(), Some("no complete answer within 15 s"), "{status:?}");
    }
}

#[tokio::test]
async fn of_an_endless_answer_a_kibibyte_is_read() {
    let is_its_start = |attempt: Attempt| {
        assert_eq!((attempt.error, attempt.status), (None, Some(200)));
        assert_eq!((attempt.response.unwrap().len(), attempt.response_is_cut), (1024, true));
    };
    let start = [HEAD, b"transfer-encoding: chunked\r\n\r\n"].concat();
    let receiver = Raw::start(move |stream| flood(stream, start.clone(), b"4\r\nabcd\r\n")).await;
    is_its_start(first_attempt(&receiver).await);
    let start = [HEAD, b"content-length: 10000000000\r\n\r\n"].concat();
    let receiver = Raw::start(move |stream| flood(stream, start.clone(), &[b'x'; 65_536])).await;
    is_its_start(first_attempt(&receiver).await);
}

#[tokio::test]
async fn nonsense_is_a_failure() {
    let secure = |mut receiver: Raw| {
        receiver.url = receiver.url.replace("http://", "https://");
        receiver
    };
    let endless_headers = || Raw::start(|stream| flood(stream, HEAD.to_vec(), b"x-more: and more\r\n"));
    let one_long_header = || Raw::start(|stream| flood(stream, HEAD.to_vec(), b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    let receivers = [
        endless_headers().await,
        one_long_header().await,
        Raw::start(|stream| async { drop(stream) }).await,
        Raw::start(|stream| flood(stream, b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), b"\0")).await,
        // It speaks, but no TLS.
        secure(Raw::start(|stream| flood(stream, HEAD.to_vec(), b"x")).await),
    ];
    for receiver in &receivers {
        let Attempt { error, status, .. } = first_attempt(receiver).await;
        assert!(error.is_some() && status.is_none(), "{error:?} {status:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let inside = Receiver::start(&[]).await;
    for status in ["301", "302", "307", "308"] {
        let answer = format!("HTTP/1.1 {status} Go\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", inside.url);
        let receiver = Raw::answering(answer).await;
        let Attempt { error, location, .. } = first_attempt(&receiver).await;
        assert_eq!(error, Some(format!("the receiver answered {status}")));
        assert_eq!(location, Some(inside.url.clone()));
    }
    assert!(inside.received().is_empty());
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept_within_bounds() {
    for (retry_after, seconds) in [
        ("120", 120),
        ("0", 5),
        ("-1", 5),
        ("soon", 5),
        ("315360000", MAX_RETRY_AFTER.as_secs()),
        ("Fri, 01 Dec 2023 22:06:57 GMT", 59),
        ("Fri, 01 Dec 2000 00:00:00 GMT", 5),
    ] {
        let head = format!("HTTP/1.1 429 Wait\r\nretry-after: {retry_after}\r\ncontent-length: 0\r\n\r\n");
        let receiver = Raw::answering(head).await;
        let setting = Setting::with(&receiver.url, 1, Policy::private()).await;
        setting.attempt([0]).await;
        let DeliveryState::Pending { next_attempt_at, .. } = setting.delivery().await.state else { panic!("final") };
        let wait = next_attempt_at.duration_since(setting.fakes.clock.now()).as_secs_f64();
        assert!(wait > seconds as f64 - 1.0 && wait <= seconds as f64 * 1.1, "{retry_after}: {wait}");
    }
}

#[tokio::test]
async fn one_that_hangs_rests_and_one_delivery_finds_out_that_it_is_back() {
    let calls = Arc::new(AtomicUsize::new(0));
    let receiver = {
        let calls = Arc::clone(&calls);
        Raw::start(move |mut stream| {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            async move {
                if call < 4 {
                    return hang(stream).await;
                }
                listen(&mut stream).await;
                let _ = stream.write_all(&[HEAD, b"content-length: 0\r\nconnection: close\r\n\r\n"].concat()).await;
            }
        })
        .await
    };
    let setting = Setting::with(&receiver.url, 9, Policy::private()).await;
    setting.attempt(0..3).await;
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    setting.attempt(3..9).await;
    assert_eq!(calls.load(Ordering::Relaxed), 3, "it rests");
    let waiting = setting.nth(3).await;
    assert!(waiting.attempts.is_empty());
    assert!(matches!(waiting.state, DeliveryState::Pending { failed: 0, .. }));

    setting.fakes.clock.advance(Duration::from_secs(30));
    setting.sweep().await;
    assert_eq!(calls.load(Ordering::Relaxed), 4, "one finds out that it is not back");
    setting.fakes.clock.advance(Duration::from_secs(61));
    setting.sweep().await;
    for number in 0..9 {
        assert_eq!(setting.nth(number).await.state, DeliveryState::Delivered, "{number}");
    }
}

/// A name that was public when it was registered.
struct Rebinding;

#[async_trait]
impl Resolver for Rebinding {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![[127, 0, 0, 1].into(), [169, 254, 169, 254].into(), "::ffff:10.0.0.1".parse().unwrap()])
    }
}

#[tokio::test]
async fn a_name_that_turns_inside_is_not_followed() {
    let inside = Receiver::start(&[]).await;
    let url = inside.url.replace("http://127.0.0.1", "https://example.com");
    let port = url.split(':').next_back().unwrap().split('/').next().unwrap().parse().unwrap();
    let policy = Policy { ports: vec![port], ..Policy::default() };
    let setting = Setting::resolving(&url, 1, policy, Arc::new(Rebinding)).await;
    setting.attempt([0]).await;
    let attempt = &setting.delivery().await.attempts[0];
    assert_eq!(attempt.error.as_deref(), Some("the host has no public address"));
    assert!(inside.received().is_empty());
}
