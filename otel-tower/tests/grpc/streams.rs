//! Streams, both ways: the spans last as long as they do.

use std::time::SystemTime;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tonic::Code;

use crate::harness::{Shop, assert_ended};

#[test]
fn a_stream_of_the_server_is_measured_to_its_end() {
    let shop = Shop::open();
    let went_on = shop.in_work(async {
        let mut client = shop.client();
        let mut texts = client
            .server_streaming("/shop.Pricing/Watch")
            .await
            .unwrap();
        assert_eq!(texts.message().await.unwrap(), Some("one".to_owned()));
        let went_on = SystemTime::now();
        shop.pricing.go_on.notify_one();
        assert_eq!(texts.message().await.unwrap(), Some("two".to_owned()));
        assert_eq!(texts.message().await.unwrap(), None);
        went_on
    });
    for span in shop.call() {
        assert_ended(&span, Some("OK"), None);
        assert_eq!(span.name(), "shop.Pricing/Watch");
        assert!(span.start() < went_on && span.end() >= went_on, "{span:?}");
    }
}

#[test]
fn a_stream_that_fails_midway_has_the_status_of_its_trailers() {
    let shop = Shop::open();
    shop.in_work(async {
        let mut client = shop.client();
        let mut texts = client
            .server_streaming("/shop.Pricing/Break")
            .await
            .unwrap();
        assert_eq!(texts.message().await.unwrap(), Some("one".to_owned()));
        assert_eq!(texts.message().await.unwrap_err().code(), Code::DataLoss);
    });
    for span in shop.call() {
        assert_ended(&span, Some("DATA_LOSS"), Some("DATA_LOSS"));
    }
}

#[test]
fn a_stream_of_the_client_is_one_call() {
    let shop = Shop::open();
    let texts = ["one", "two", "three"].map(str::to_owned);
    let collected = shop.in_work(async {
        let mut client = shop.client();
        let texts = stream::iter(texts);
        client
            .client_streaming("/shop.Pricing/Collect", texts)
            .await
    });
    assert_eq!(collected.unwrap(), "one two three");
    for span in shop.call() {
        assert_ended(&span, Some("OK"), None);
        assert_eq!(span.name(), "shop.Pricing/Collect");
    }
}

#[test]
fn a_stream_both_ways_is_one_call_to_its_end() {
    let shop = Shop::open();
    let closed = shop.in_work(async {
        let (say, said) = futures_channel();
        let mut client = shop.client();
        let mut answers = client.streaming("/shop.Pricing/Chat", said).await.unwrap();
        for text in ["one", "two"] {
            say.send(text.to_owned()).unwrap();
            let answer = answers.next().await.unwrap().unwrap();
            assert_eq!(answer, format!("{text}!"));
        }
        let closed = SystemTime::now();
        drop(say);
        let rest: Vec<String> = answers.try_collect().await.unwrap();
        assert!(rest.is_empty(), "{rest:?}");
        closed
    });
    for span in shop.call() {
        assert_ended(&span, Some("OK"), None);
        assert!(span.start() < closed && span.end() >= closed, "{span:?}");
    }
}

fn futures_channel() -> (
    tokio::sync::mpsc::UnboundedSender<String>,
    impl futures_util::Stream<Item = String>,
) {
    let (send, receive) = tokio::sync::mpsc::unbounded_channel();
    let texts = stream::unfold(receive, |mut receive| async {
        Some((receive.recv().await?, receive))
    });
    (send, texts)
}
