//! The list of secrets, and what the application changes in it.

use otel_core::redact::Secrets;

#[test]
fn the_list_is_added_to_excepted_from_replaced_and_switched_off() {
    let query = "ticket=1&my_ticket=2&ticket_count=3&token=4";
    let table = [
        (
            Secrets::default().also(["Ticket"]),
            "ticket=REDACTED&my_ticket=REDACTED&ticket_count=3&token=REDACTED",
        ),
        (
            Secrets::dangerously_only(["ticket"]),
            "ticket=REDACTED&my_ticket=REDACTED&ticket_count=3&token=4",
        ),
        (Secrets::default().dangerously_except(["TOKEN"]), query),
        (Secrets::dangerously_off(), query),
    ];
    for (secrets, expected) in table {
        assert_eq!(secrets.query(query), expected);
    }
    let url = "https://a:b@h.example/";
    assert_eq!(Secrets::dangerously_off().url(url), url);
    assert_eq!(Secrets::dangerously_off().text(url), url);
    let only = Secrets::dangerously_only(["ticket"]);
    assert_eq!(only.url(url), "https://REDACTED:REDACTED@h.example/");
    assert_eq!(only.query("code=1&state=2"), "code=1&state=2");

    let added = Secrets::default().also(["national id", "token_count", ""]);
    assert!(added.is_secret("user.nationalId") && added.is_secret("token_count"));
    assert!(added.is_secret_header("x-national-id") && !added.is_secret("id"));
    let excepted = Secrets::default().dangerously_except(["idempotency-key", "session_id"]);
    assert!(!excepted.is_secret_header("Idempotency-Key"));
    assert!(!excepted.is_secret("user.session_id"));
    assert!(excepted.is_secret_header("x-api-key"));
}
