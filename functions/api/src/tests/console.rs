//! The page at `/` and what it is made of.

use super::*;
use axum::http::HeaderValue;

const IMMUTABLE: HeaderValue = HeaderValue::from_static("max-age=31536000, immutable");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

#[tokio::test]
async fn the_console_calls_no_host_but_ours_and_storages_and_is_kept_for_good() {
    let (_, router) = service().await;
    let get = async |path: &str| {
        let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    };
    let (page, html) = get("/").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("connect-src 'self' memory://blobs;") && !policy.contains("unsafe"), "{policy}");
    assert!(html.contains("&#34;maxFileBytes&#34;:104857600"));
    let names: Vec<&str> = html.split('"').filter(|part| part.starts_with("/console/")).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let (asset, text) = get(name).await;
        assert_eq!((asset.status, &asset.headers[header::CACHE_CONTROL]), (200.try_into().unwrap(), &IMMUTABLE));
        assert!(!text.is_empty());
        let other: Vec<&str> = name.splitn(4, '/').collect();
        let (asset, _) = get(&format!("/console/of-before/{}", other[3])).await;
        assert_eq!((asset.status.as_u16(), &asset.headers[header::CACHE_CONTROL]), (200, &NO_STORE));
    }
    assert_eq!(get("/console/of-before/script/none.js").await.0.status, 404);
    assert_eq!(get("/console/x/%FF").await.0.status, 404);
}

#[tokio::test]
async fn the_console_is_below_its_stage_with_a_slash_and_without() {
    let (_, router) = service().await;
    let event = include_str!("../../../../events/api-console.json");
    for event in [event.to_owned(), event.replace(r#""/prod/""#, r#""/prod""#)] {
        let request = crate::gateway::request(lambda_http::request::from_str(&event).unwrap());
        let response = router.clone().oneshot(request).await.unwrap();
        let html = response.into_body().collect().await.unwrap().to_bytes();
        let html = String::from_utf8_lossy(&html);
        assert!(html.contains(r#"href="/prod/console/"#) && html.contains(r#"href="/prod/docs""#), "{html}");
    }
}
