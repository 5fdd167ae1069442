//! Many small changes to good tokens, none of which may be accepted.

use serde_json::{Value, json};

use super::signer::{EC, RSA, encoded};
use super::*;
use crate::token::decoded;
use crate::{judge, judge_logout};

const MUTANTS: usize = 20_000;
const KINDS: usize = 12;
const PADDING: [&str; 2] = ["=", "=="];

/// Numbers that look random and are the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// Mostly a character that a token may have, sometimes any that a header may have.
    fn character(&mut self) -> char {
        const USUAL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        if self.below(8) == 0 {
            char::from(b' ' + u8::try_from(self.below(95)).unwrap())
        } else {
            char::from(*self.pick(USUAL))
        }
    }
}

fn parts(token: &str) -> [String; 3] {
    token.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

fn edited(part: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::from_slice(&decoded(part).unwrap()).unwrap();
    edit(&mut value);
    encoded(value.to_string().as_bytes())
}

fn edit_header(dice: &mut Dice, header: &mut Value) {
    let (name, values) = match dice.below(6) {
        0 => ("alg", json!(["none", "None", "HS256", "RS256", "ES256", "PS256", "RS512"])),
        1 => ("kid", json!([RSA.kid, EC.kid, "rsa-9", "", "../x"])),
        2 => ("typ", json!(["JWT", "jwt", "at+jwt", "AT+JWT", "logout+jwt"])),
        3 => ("crit", json!([["b64"], [], ["exp"]])),
        4 => ("jwk", json!([RSA.jwk(), EC.jwk()])),
        _ => ("jku", json!(["https://evil.example/keys", ISSUER])),
    };
    header[name] = dice.pick(values.as_array().unwrap()).clone();
}

fn edit_claims(dice: &mut Dice, claims: &mut Value) {
    let (name, values) = match dice.below(10) {
        0 => ("realm_access", json!([{"roles": ["admin"]}, {"roles": []}])),
        1 => ("exp", json!([NOW + 301, NOW + 3600, NOW + 86_400])),
        2 => ("sub", json!(["0197a5b0-7c1e-4f6a-9b1d-3f5b8c2d4e60"])),
        3 => ("aud", json!(["task-api", "fastapi-backend"])),
        4 => ("scope", json!(["", "openid tasks:admin"])),
        5 => ("sid", json!(["another-session", "x"])),
        6 => ("typ", json!(["Bearer", "Logout", "ID"])),
        7 => ("jti", json!(["another", "x"])),
        8 => ("events", json!([logout_claims(NOW)["events"], {}, null])),
        _ => ("email", json!(["mallory@example.com", "a@example.com"])),
    };
    claims[name] = dice.pick(values.as_array().unwrap()).clone();
}

fn flip_bit(dice: &mut Dice, part: &str) -> String {
    let mut bytes = decoded(part).unwrap();
    let at = dice.below(bytes.len());
    bytes[at] ^= 1 << dice.below(8);
    encoded(&bytes)
}

fn mutant(kind: usize, token: &str, other: &str, dice: &mut Dice) -> String {
    let at = dice.below(token.len());
    let [mut head, mut body, mut signature] = parts(token);
    let mut text = token.to_owned();
    match kind {
        0 => text.replace_range(at..=at, &dice.character().to_string()),
        1 => text.insert(at, dice.character()),
        2 => drop(text.remove(at)),
        3 => text.truncate(at),
        4 => {
            let mut pieces = [parts(token), parts(other)].concat();
            for i in (1..pieces.len()).rev() {
                pieces.swap(i, dice.below(i + 1));
            }
            pieces.truncate(3);
            text = pieces.join(".");
        }
        5 => head = edited(&head, |header| edit_header(dice, header)),
        6 => body = edited(&body, |claims| edit_claims(dice, claims)),
        7 => match dice.below(3) {
            0 => head.push_str(PADDING[dice.below(2)]),
            1 => body.push_str(PADDING[dice.below(2)]),
            _ => signature.push_str(PADDING[dice.below(2)]),
        },
        8 => {
            let letter = char::from(token.as_bytes()[at]);
            let turned = if letter.is_ascii_lowercase() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            };
            text.replace_range(at..=at, &turned.to_string());
        }
        9 => (0..=dice.below(6)).for_each(|_| text.push(dice.character())),
        10 => match dice.below(3) {
            0 => head = flip_bit(dice, &head),
            1 => body = flip_bit(dice, &body),
            _ => signature = flip_bit(dice, &signature),
        },
        // The same header and claims under the signature of another token.
        _ => {
            let mut bytes = decoded(&parts(other)[2]).unwrap();
            let longer = dice.below(3);
            bytes.extend(std::iter::repeat_n(0, longer));
            signature = encoded(&bytes);
        }
    }
    match kind {
        5 | 6 | 7 | 10 | 11 => format!("{head}.{body}.{signature}"),
        _ => text,
    }
}

#[test]
fn no_mutated_token_is_accepted() {
    let keys = key_set(&[&RSA, &EC]);
    let settings = Settings { plain_logout_type: true, ..all_algorithms() };
    let mut admin = claims(NOW);
    admin["realm_access"] = json!({"roles": ["admin"]});
    let tokens = [
        RSA.token("RS256", &claims(NOW)),
        RSA.token("RS256", &admin),
        RSA.token("PS256", &claims(NOW)),
        EC.token("ES256", &claims(NOW)),
        EC.token("ES256", &service_claims(NOW)),
    ];
    let logouts = [
        RSA.token_with(&logout_header("RS256", &RSA.kid), &logout_claims(NOW)),
        EC.token_with(&logout_header("ES256", &EC.kid), &logout_claims(NOW)),
        EC.token("ES256", &logout_claims(NOW)),
    ];
    for token in &tokens {
        assert!(judge(token, &keys, &settings, NOW).is_ok());
        assert!(judge_logout(token, &keys, &settings, NOW).is_err());
    }
    for token in &logouts {
        assert!(judge_logout(token, &keys, &settings, NOW).is_ok());
        assert!(judge(token, &keys, &settings, NOW).is_err());
    }
    let tokens = [&tokens[..], &logouts].concat();
    let mut dice = Dice(0x5eed);
    let (mut judged, mut of_kind) = (0, [0; KINDS]);
    while judged < MUTANTS {
        let kind = dice.below(KINDS);
        let (token, other) = (dice.pick(&tokens).clone(), dice.pick(&tokens).clone());
        let mutant = mutant(kind, &token, &other, &mut dice);
        if tokens.contains(&mutant) {
            continue;
        }
        let verdict = judge(&mutant, &keys, &settings, NOW);
        assert!(verdict.is_err(), "kind {kind} was accepted: {mutant}");
        let verdict = judge_logout(&mutant, &keys, &settings, NOW);
        assert!(verdict.is_err(), "kind {kind} was accepted as a logout: {mutant}");
        judged += 1;
        of_kind[kind] += 1;
    }
    assert_eq!(of_kind.iter().sum::<usize>(), MUTANTS);
    assert!(of_kind.iter().all(|count| *count > 1000), "{of_kind:?}");
}
