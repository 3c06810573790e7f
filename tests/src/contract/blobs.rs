use crate::dataset_id;
use bytes::Bytes;
use dataset_core::blobs::{Blobs, MIN_PART_BYTES, Object};
use dataset_core::{Error, Kind};
use futures::TryStreamExt;
use futures::future::join_all;

fn upload(id: u64) -> Object {
    Object::Upload(dataset_id(id))
}

async fn whole(blobs: &dyn Blobs, object: Object) -> Vec<u8> {
    let chunks: Vec<Bytes> = blobs.read(object).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

pub async fn blobs(blobs: &dyn Blobs) {
    assert_eq!(blobs.size(upload(1)).await.unwrap(), None);
    assert_eq!(blobs.read(upload(1)).await.err().unwrap().kind(), Kind::NotFound);
    assert_eq!(blobs.read_tail(upload(1), 5).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(blobs.read_range(upload(1), 0..1).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(blobs.announce(upload(1)).await.unwrap_err().kind(), Kind::NotFound);

    blobs.put_new(upload(1), "text/csv", Bytes::from_static(b"hello world")).await.unwrap();
    assert_eq!(blobs.size(upload(1)).await.unwrap(), Some(11));
    assert_eq!(whole(blobs, upload(1)).await, b"hello world");
    assert_eq!(blobs.read_tail(upload(1), 5).await.unwrap(), (Bytes::from_static(b"world"), 11));
    assert_eq!(blobs.read_tail(upload(1), 50).await.unwrap(), (Bytes::from_static(b"hello world"), 11));
    assert_eq!(blobs.read_range(upload(1), 6..11).await.unwrap().concat(), b"world");
    assert_eq!(blobs.read_range(upload(1), 4..4).await.unwrap().concat(), b"");
    let exists = blobs.put_new(upload(1), "text/csv", Bytes::from_static(b"other")).await.unwrap_err();
    assert_eq!(exists.kind(), Kind::AlreadyExists);
    blobs.announce(upload(1)).await.unwrap();
    assert_eq!(whole(blobs, upload(1)).await, b"hello world");

    let contenders = (0..16u8).map(|n| blobs.put_new(upload(2), "text/csv", vec![n].into()));
    let lost: Vec<Error> = join_all(contenders).await.into_iter().filter_map(Result::err).collect();
    assert_eq!(lost.len(), 15);
    assert!(lost.iter().all(|error| error.kind() == Kind::AlreadyExists), "{lost:?}");

    writing(blobs).await;
    writing_at_once(blobs).await;
    blobs.delete(upload(1)).await.unwrap();
    blobs.delete(upload(1)).await.unwrap();
    assert_eq!(blobs.size(upload(1)).await.unwrap(), None);
}

async fn writing(blobs: &dyn Blobs) {
    let part = |n: u8, length| Bytes::from(vec![n; length]);
    let cases: [(Object, Vec<Bytes>); 5] = [
        (upload(3), vec![]),
        (upload(4), vec![part(1, 5)]),
        (upload(5), vec![part(1, MIN_PART_BYTES), part(2, 5)]),
        (upload(6), vec![part(1, MIN_PART_BYTES), part(2, MIN_PART_BYTES)]),
        (upload(7), vec![part(1, MIN_PART_BYTES), part(2, MIN_PART_BYTES), part(3, 5)]),
    ];
    for (object, parts) in cases {
        for parts_written in 0..=parts.len() {
            let mut writer = blobs.write_new(object, "application/octet-stream").await.unwrap();
            for part in &parts[..parts_written] {
                writer.write(part.clone()).await.unwrap();
            }
            writer.abort().await.unwrap();
            assert_eq!(blobs.size(object).await.unwrap(), None, "{object:?} was aborted");
        }
        let mut writer = blobs.write_new(object, "application/octet-stream").await.unwrap();
        for part in &parts {
            writer.write(part.clone()).await.unwrap();
        }
        writer.restart().await.unwrap();
        for part in &parts {
            writer.write(part.clone()).await.unwrap();
        }
        writer.finish().await.unwrap();
        assert_eq!(whole(blobs, object).await, parts.concat(), "{object:?}");

        let mut again = blobs.write_new(object, "application/octet-stream").await.unwrap();
        for part in &parts {
            again.write(part.clone()).await.unwrap();
        }
        assert_eq!(again.finish().await.unwrap_err().kind(), Kind::AlreadyExists, "{object:?}");
        assert_eq!(whole(blobs, object).await, parts.concat(), "{object:?}");
    }
}

/// If two writers finish the same object at the same time, one is told that it exists, or to try again.
async fn writing_at_once(blobs: &dyn Blobs) {
    let parts = [vec![7; MIN_PART_BYTES], vec![7; 5]];
    let write = async || {
        let mut writer = blobs.write_new(upload(8), "application/octet-stream").await.unwrap();
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
    assert_eq!(whole(blobs, upload(8)).await, parts.concat());
}
