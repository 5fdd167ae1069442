//! The parameters.

use domain::Private;
use domain::input::parameter;
use domain::listing;
use route::{FromQuery, Parameters};
use serde_json::json;

/// How many characters a search of somebody who does not manage users has at least.
pub(crate) const LEAST_SEARCH: usize = 2;

/// Whom to find.
pub struct Find {
    pub(crate) q: Option<Private<String>>,
    pub(crate) active: Option<bool>,
    pub(crate) cursor: Option<String>,
    pub(crate) limit: u8,
}

impl Find {
    /// The question as one text, of which a cursor keeps a mark.
    pub(crate) fn canonical(&self, manages: bool) -> String {
        let q = self.q.as_ref().map(Private::expose);
        json!({"q": q, "active": self.active, "manages": manages}).to_string()
    }
}

impl FromQuery for Find {
    const PARAMETERS: &'static [&'static str] = &["q", "active", "cursor", "limit"];

    fn from_query(p: &mut Parameters) -> Option<Self> {
        Some(Self {
            q: p.optional("q", listing::search),
            active: p.optional("active", parameter::flag),
            cursor: p.optional("cursor", |text| Ok(text.to_owned())),
            limit: p.optional("limit", listing::limit).unwrap_or(listing::USUAL_LIMIT),
        })
    }
}
