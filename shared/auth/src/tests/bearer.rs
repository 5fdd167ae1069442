use crate::{Reason, Refusal, bearer};

#[test]
fn one_bearer_token_is_taken() {
    for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", " Bearer a.b.c "] {
        assert_eq!(bearer::token(&[value]), Ok("a.b.c"), "{value:?}");
    }
}

#[test]
fn a_request_without_a_token_is_told_so() {
    let none: [&[&str]; 9] = [
        &[],
        &[""],
        &[" "],
        &["Bearer"],
        &["Bearer "],
        &["Basic YWxpY2U6YWxpY2U="],
        &["DPoP a.b.c"],
        &["Bearerx a.b.c"],
        &["a.b.c"],
    ];
    for values in none {
        assert_eq!(bearer::token(values), Err(Refusal::Missing), "{values:?}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let malformed: [&[&str]; 5] = [
        &["Bearer a.b.c,Bearer d.e.f"],
        &["Bearer a.b.c, Bearer a.b.c"],
        &["Basic YQ==, Bearer a.b.c"],
        &["Bearer  a.b.c"],
        &["Bearer\ta.b.c"],
    ];
    for values in malformed {
        assert_eq!(bearer::token(values), Err(Reason::Malformed.into()), "{values:?}");
    }
    for values in [["Bearer a.b.c", "Bearer a.b.c"], ["", "Bearer a.b.c"]] {
        assert_eq!(bearer::token(&values), Err(Reason::Repeated.into()), "{values:?}");
    }
}
