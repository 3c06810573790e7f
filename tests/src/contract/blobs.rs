use bytes::Bytes;
use dataset_core::blobs::{Blobs, MIN_PART_BYTES};
use dataset_core::{Error, Kind};
use futures::TryStreamExt;
use futures::future::join_all;

async fn whole(blobs: &dyn Blobs, key: &str) -> Vec<u8> {
    let chunks: Vec<Bytes> = blobs.read(key).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

pub async fn blobs(blobs: &dyn Blobs) {
    assert_eq!(blobs.size("c/a").await.unwrap(), None);
    assert_eq!(blobs.read("c/a").await.err().unwrap().kind(), Kind::NotFound);
    assert_eq!(blobs.read_tail("c/a", 5).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(blobs.read_range("c/a", 0..1).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(blobs.announce("c/a").await.unwrap_err().kind(), Kind::NotFound);

    blobs.put_new("c/a", "text/csv", Bytes::from_static(b"hello world")).await.unwrap();
    assert_eq!(blobs.size("c/a").await.unwrap(), Some(11));
    assert_eq!(whole(blobs, "c/a").await, b"hello world");
    assert_eq!(blobs.read_tail("c/a", 5).await.unwrap(), (Bytes::from_static(b"world"), 11));
    assert_eq!(blobs.read_tail("c/a", 50).await.unwrap(), (Bytes::from_static(b"hello world"), 11));
    assert_eq!(&blobs.read_range("c/a", 6..11).await.unwrap()[..], b"world");
    assert_eq!(&blobs.read_range("c/a", 4..4).await.unwrap()[..], b"");
    let exists = blobs.put_new("c/a", "text/csv", Bytes::from_static(b"other")).await.unwrap_err();
    assert_eq!(exists.kind(), Kind::AlreadyExists);
    blobs.announce("c/a").await.unwrap();
    assert_eq!(whole(blobs, "c/a").await, b"hello world");

    let contenders = (0..16u8).map(|n| blobs.put_new("c/race", "text/csv", vec![n].into()));
    let lost: Vec<Error> = join_all(contenders).await.into_iter().filter_map(Result::err).collect();
    assert_eq!(lost.len(), 15);
    assert!(lost.iter().all(|error| error.kind() == Kind::AlreadyExists), "{lost:?}");

    writing(blobs).await;
    writing_at_once(blobs).await;
    blobs.delete("c/a").await.unwrap();
    blobs.delete("c/a").await.unwrap();
    assert_eq!(blobs.size("c/a").await.unwrap(), None);
}

async fn writing(blobs: &dyn Blobs) {
    let part = |n: u8, length| Bytes::from(vec![n; length]);
    let cases: [(&str, Vec<Bytes>); 5] = [
        ("c/none", vec![]),
        ("c/one", vec![part(1, 5)]),
        ("c/two", vec![part(1, MIN_PART_BYTES), part(2, 5)]),
        ("c/even", vec![part(1, MIN_PART_BYTES), part(2, MIN_PART_BYTES)]),
        ("c/three", vec![part(1, MIN_PART_BYTES), part(2, MIN_PART_BYTES), part(3, 5)]),
    ];
    for (key, parts) in cases {
        for parts_written in 0..=parts.len() {
            let mut writer = blobs.write_new(key, "application/octet-stream").await.unwrap();
            for part in &parts[..parts_written] {
                writer.write(part.clone()).await.unwrap();
            }
            writer.abort().await.unwrap();
            assert_eq!(blobs.size(key).await.unwrap(), None, "{key} was aborted");
        }
        let mut writer = blobs.write_new(key, "application/octet-stream").await.unwrap();
        for part in &parts {
            writer.write(part.clone()).await.unwrap();
        }
        writer.restart().await.unwrap();
        for part in &parts {
            writer.write(part.clone()).await.unwrap();
        }
        writer.finish().await.unwrap();
        assert_eq!(whole(blobs, key).await, parts.concat(), "{key}");

        let mut again = blobs.write_new(key, "application/octet-stream").await.unwrap();
        for part in &parts {
            again.write(part.clone()).await.unwrap();
        }
        assert_eq!(again.finish().await.unwrap_err().kind(), Kind::AlreadyExists, "{key}");
        assert_eq!(whole(blobs, key).await, parts.concat(), "{key}");
    }
}

/// Of two who finish the same object at the same time, one is told that it is
/// there, or to try again.
async fn writing_at_once(blobs: &dyn Blobs) {
    let parts = [vec![7; MIN_PART_BYTES], vec![7; 5]];
    let write = async || {
        let mut writer = blobs.write_new("c/at-once", "application/octet-stream").await.unwrap();
        for part in &parts {
            writer.write(part.clone().into()).await.unwrap();
        }
        writer
    };
    let (one, other) = (write().await, write().await);
    let finished = join_all([one.finish(), other.finish()]).await;
    let lost: Vec<Error> = finished.into_iter().filter_map(Result::err).collect();
    let [lost] = &lost[..] else { panic!("one loses: {lost:?}") };
    assert!(matches!(lost.kind(), Kind::AlreadyExists | Kind::Unavailable), "{lost:?}");
    assert_eq!(whole(blobs, "c/at-once").await, parts.concat());
}
