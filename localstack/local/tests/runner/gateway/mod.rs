//! The gateway, with the probe behind it: over real connections, byte by byte where that matters.

mod world;

use std::time::Duration;

use futures_util::future::join_all;
use local::lambda::Stream;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use world::{Answer, World};

const TEMPLATE: &str = r#"
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration:
        AllowOrigins: ["http://front.example"]
        AllowMethods: [GET, POST]
        AllowHeaders: [authorization]
        ExposeHeaders: [etag]
        MaxAge: 60
  ProbeFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: probe } }
    Properties:
      Timeout: 2
      Events:
        Get: { Type: HttpApi, Properties: { Method: GET, Path: "/things/{id}" } }
        Head: { Type: HttpApi, Properties: { Method: HEAD, Path: "/things/{id}" } }
        Post: { Type: HttpApi, Properties: { Method: POST, Path: /things } }
"#;

/// Adds a `$default` route.
const WITH_DEFAULT: &str = "        Default: { Type: HttpApi }\n";

/// The example of AWS's documentation, sent as a request: the event has the members of the example,
/// with the same forms.
#[tokio::test]
async fn the_event_is_the_one_that_aws_documents() {
    let world = World::start(TEMPLATE).await;
    let target = "/things/a%20b?parameter1=value1&parameter1=value%202&parameter2=value";
    let headers = "Header1: value1\r\nHeader2: value1\r\nheader2: value2\r\nUser-Agent: agent\r\n\
                   Cookie: cookie1=1; cookie2=2\r\nX-Forwarded-For: 10.0.0.1\r\n";
    let answer = world.ask("GET", target, headers, "").await;
    assert_eq!((answer.status, answer.headers["x-probe"].as_str()), (200, "1"));
    let mut event = answer.json();

    let context = event["requestContext"].take();
    assert_eq!(context["requestId"], answer.headers["apigw-requestid"].as_str());
    let time = context["time"].as_str().unwrap();
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    assert!(shape.starts_with("99/") && shape.ends_with("/9999:99:99:99 +9999"), "{time}");
    assert!(context["timeEpoch"].as_u64().unwrap() > 1_700_000_000_000);
    let trace = event["headers"]["x-amzn-trace-id"].take();
    let parts: Vec<usize> = trace.as_str().unwrap().split('-').map(str::len).collect();
    assert_eq!(parts, ["Root=1".len(), 8, 24]);
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        members(&context),
        [
            "accountId",
            "apiId",
            "domainName",
            "domainPrefix",
            "http",
            "requestId",
            "routeKey",
            "stage",
            "time",
            "timeEpoch"
        ]
    );
    assert_eq!(context["stage"], "$default");
    assert_eq!(context["domainName"], "api.example:8000");
    assert_eq!(
        context["http"],
        json!({
            "method": "GET", "path": "/things/a b", "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1", "userAgent": "agent"
        })
    );
    event["requestContext"] = Value::Null;
    let port = world.gateway.address().port().to_string();
    assert_eq!(
        event,
        json!({
            "version": "2.0",
            "routeKey": "GET /things/{id}",
            "rawPath": "/things/a b",
            "rawQueryString": "parameter1=value1&parameter1=value%202&parameter2=value",
            "cookies": ["cookie1=1", "cookie2=2"],
            "headers": {
                "header1": "value1", "header2": "value1,value2", "host": "api.example:8000",
                "user-agent": "agent", "x-amzn-trace-id": null, "x-forwarded-for": "10.0.0.1, 127.0.0.1",
                "x-forwarded-port": port, "x-forwarded-proto": "http"
            },
            "queryStringParameters": { "parameter1": "value1,value 2", "parameter2": "value" },
            "pathParameters": { "id": "a b" },
            "requestContext": null,
            "isBase64Encoded": false
        })
    );
}

#[tokio::test]
async fn a_body_is_text_if_its_type_says_so_and_base64_otherwise() {
    let world = World::start(TEMPLATE).await;
    let body_of = async |kind: &str, body: &str| {
        let answer = world.ask("POST", "/things", kind, body).await.json();
        (answer["body"].as_str().map(str::to_owned), answer["isBase64Encoded"] == true)
    };
    let text = |text: &str| (Some(text.to_owned()), false);
    let base64 = |text: &str| (Some(text.to_owned()), true);
    for kind in [
        "application/json",
        "Application/Problem+JSON; charset=utf-8",
        "text/csv",
        "application/xml",
    ] {
        let header = format!("Content-Type: {kind}\r\n");
        assert_eq!(body_of(&header, "{\"ä\": 1}").await, text("{\"ä\": 1}"), "{kind}");
    }
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(body_of(form, "a=1").await, base64("YT0x"));
    assert_eq!(body_of("", "a=1").await, base64("YT0x"));
    let packed = "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n";
    assert_eq!(body_of(packed, "a=1").await, base64("YT0x"));
    assert_eq!(body_of("", "").await, (None, false));

    let request =
        b"POST /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\n\
                    Content-Length: 2\r\n\r\n\xff\xfe";
    let answer = world.send(request).await.json();
    assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("//4="), &json!(true)));

    let chunked =
        b"POST /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\n\
                    Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    assert_eq!(world.send(chunked).await.json()["body"], "hi");
}

#[tokio::test]
async fn only_the_routes_of_the_template_are_answered() {
    let world = World::start(TEMPLATE).await;
    for (method, path) in
        [("GET", "/"), ("GET", "/things"), ("PUT", "/things/1"), ("FLY", "/things")]
    {
        world.ask(method, path, "", "").await.is(404, "Not Found");
    }
    world.ask("GET", "/things/%ff", "", "").await.is(400, "Bad Request");
    world.ask("GET", "/things/a%2Fb", "", "").await.is(404, "Not Found");

    let world = World::start(&format!("{TEMPLATE}{WITH_DEFAULT}")).await;
    for (method, path) in [("GET", "/"), ("PUT", "/things/1"), ("OPTIONS", "*"), ("FLY", "/x")] {
        let answer = world.ask(method, path, "", "").await;
        assert_eq!(answer.json()["routeKey"], "$default", "{method} {path}");
    }
}

#[tokio::test]
async fn head_has_no_body() {
    let world = World::start(TEMPLATE).await;
    let answer = world.ask("HEAD", "/things/1", "", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.headers["x-probe"], "1");
}

#[tokio::test]
async fn a_function_that_fails_is_500_and_one_that_never_answers_is_killed() {
    let world = World::start(TEMPLATE).await;
    for order in ["fail", "panic", "exit", "sleep&ms=60000"] {
        let answer = world.ask("GET", &format!("/things/1?do={order}"), "", "").await;
        answer.is(500, "Internal Server Error");
    }
    let raw =
        world.ask("GET", "/things/1?do=raw&raw=%7B%22statusCode%22%3A%22x%22%7D", "", "").await;
    raw.is(500, "Internal Server Error");
    let whole = world.ask("GET", "/things/1?do=raw&raw=%7B%22a%22%3A1%7D", "", "").await;
    assert_eq!((whole.status, whole.body.as_str()), (200, "{\"a\":1}"));

    let lines = world.lines.of(Stream::Runner);
    let timed_out = "GET /things/1: timed out after 2 s, and the process was killed".to_owned();
    assert!(lines.contains(&timed_out), "{lines:?}");
    assert_eq!(world.ask("GET", "/things/1", "", "").await.status, 200);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let world = World::start(TEMPLATE).await;
    let long = "x".repeat(10_300);
    world
        .ask("GET", "/things/1", &format!("X-Long: {long}\r\n"), "")
        .await
        .is(431, "Request Header Fields Too Large");
    world
        .ask("GET", &format!("/things/{long}"), "", "")
        .await
        .is(431, "Request Header Fields Too Large");
    let huge = format!("X-Long: {}\r\n", "x".repeat(200_000));
    assert_eq!(world.ask("GET", "/things/1", &huge, "").await.status, 431);

    let text = "Content-Type: text/plain\r\n";
    let body = "x".repeat(10 * 1024 * 1024 + 1);
    world.ask("POST", "/things", text, &body).await.is(413, "Request Entity Too Large");
    // Between what the gateway takes and what Lambda takes.
    let body = "x".repeat(7 * 1024 * 1024);
    world.ask("POST", "/things", text, &body).await.is(500, "Internal Server Error");
    assert_eq!(world.ask("GET", "/things/1", "", "").await.status, 200);
}

#[tokio::test]
async fn nonsense_and_half_requests_harm_nobody() {
    let world = World::start(TEMPLATE).await;
    let address = world.gateway.address();
    // Clients that never finish, all open at once.
    let mut slow = Vec::new();
    for start in [
        "",
        "G",
        "GET /things/1 HTTP/1.1\r\n",
        "POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    for nonsense in [
        b"\x00\x01\x02\x03\r\n\r\n".as_slice(),
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(nonsense).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(Answer::read(&mut stream).await.status, 400, "{nonsense:?}");
    }
    // Clients that go away in the middle of an answer.
    for _ in 0..5 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /things/1?do=sleep&ms=100 HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
    }
    assert_eq!(world.ask("GET", "/things/1", "", "").await.status, 200);
    drop(slow);
}

#[tokio::test]
async fn whoever_is_slow_is_answered_or_cut_off_and_so_is_a_slow_function() {
    let template = TEMPLATE.replace("Timeout: 2", "Timeout: 60");
    let world = World::with_patience(&template, Duration::from_secs(1)).await;
    world.ask("GET", "/things/1?do=sleep&ms=60000", "", "").await.is(503, "Service Unavailable");
    // Half a body, and half a head; neither ever ends.
    let half = b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf";
    world.send(half).await.is(408, "Request Timeout");
    let mut stream = TcpStream::connect(world.gateway.address()).await.unwrap();
    stream.write_all(b"GET /things/1 HTTP/1.1\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(rest, b"", "it is cut off");
    assert_eq!(world.ask("GET", "/things/1", "", "").await.status, 200);
}

#[tokio::test]
async fn many_small_headers_are_fine_as_long_as_they_fit() {
    let world = World::start(TEMPLATE).await;
    let headers = (0..500).fold(String::new(), |headers, n| headers + &format!("X-{n}: 1\r\n"));
    let answer = world.ask("GET", "/things/1", &headers, "").await;
    assert_eq!(answer.json()["headers"]["x-499"], "1");
}

#[tokio::test]
async fn two_hundred_requests_at_once_are_not_answered_one_by_one() {
    let world = World::start(TEMPLATE).await;
    let calls = (0..200).map(|n| {
        let world = &world;
        async move { world.ask("GET", &format!("/things/{n}?do=sleep&ms=50"), "", "").await }
    });
    let answers = join_all(calls).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.json()["pathParameters"]["id"], n.to_string());
    }
    assert_eq!(world.functions["probe"].processes(), 8);
}

#[tokio::test]
async fn other_origins_may_what_the_template_allows() {
    let world = World::start(TEMPLATE).await;
    let preflight = async |origin: &str, method: &str| {
        let headers = format!("Origin: {origin}\r\nAccess-Control-Request-Method: {method}\r\n");
        world.ask("OPTIONS", "/things/1", &headers, "").await
    };
    let allowed = preflight("http://front.example", "POST").await;
    assert_eq!((allowed.status, allowed.body.as_str()), (204, ""));
    assert_eq!(allowed.headers["access-control-allow-origin"], "http://front.example");
    assert_eq!(allowed.headers["access-control-allow-methods"], "GET,POST");
    assert_eq!(allowed.headers["access-control-max-age"], "60");
    for (origin, method) in [("http://evil.example", "POST"), ("http://front.example", "PUT")] {
        let refused = preflight(origin, method).await;
        assert!(!refused.headers.contains_key("access-control-allow-origin"), "{refused:?}");
    }
    let answer = world.ask("GET", "/things/1", "Origin: http://front.example\r\n", "").await;
    assert_eq!(answer.headers["access-control-allow-origin"], "http://front.example");
    assert_eq!(answer.headers["access-control-expose-headers"], "etag");
    let answer = world.ask("GET", "/things/1", "Origin: http://evil.example\r\n", "").await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"), "{answer:?}");
}

#[tokio::test]
async fn a_stop_lets_requests_end_that_are_under_way() {
    let world = World::start(TEMPLATE).await;
    let address = world.gateway.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /things/1?do=sleep&ms=500 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    while world.functions["probe"].processes() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (answer, ()) = tokio::join!(Answer::read(&mut stream), world.gateway.stop());
    assert_eq!(answer.status, 200);
    assert!(TcpStream::connect(address).await.is_err());
}
