//! What the gateway does before a function is called.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use route::gateway::{Event, RequestContext, RequestContextHttp};
use route::{DEFAULT_PATH, Entry};

/// Chooses the route of a request.
pub(crate) struct Router<'r>(pub(crate) &'r [Entry]);

impl Router<'_> {
    /// The function for a request, and the event that tells it of the request.
    pub(crate) fn event(&self, method: &str, target: &str) -> (&'static str, Event) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // The gateway decodes the path before it matches it.
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let (function, route_key, path_parameters) = self.matching(method, &path);
        let http = RequestContextHttp { method: method.into(), source_ip: "203.0.113.7".into() };
        let event = Event {
            version: "2.0".into(),
            route_key,
            raw_path: path,
            raw_query_string: query.into(),
            path_parameters,
            request_context: RequestContext { stage: "$default".into(), http },
            ..Event::default()
        };
        (function, event)
    }

    fn matching(
        &self,
        method: &str,
        path: &str,
    ) -> (&'static str, String, BTreeMap<String, String>) {
        for entry in self.0 {
            if !entry.spec.methods().any(|known| known == method) {
                continue;
            }
            for template in entry.spec.paths() {
                if let Some(parameters) = fitting(template, path) {
                    return (entry.spec.name, format!("{method} {template}"), parameters);
                }
            }
        }
        let default = self.0.iter().find(|entry| entry.spec.path == DEFAULT_PATH);
        (default.expect("a default route").spec.name, DEFAULT_PATH.to_owned(), BTreeMap::new())
    }
}

/// What the `{…}` of a template stand for, if the path is one of the template's.
fn fitting(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (parts, words): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    if parts.len() != words.len() {
        return None;
    }
    let mut parameters = BTreeMap::new();
    for (part, word) in parts.into_iter().zip(words) {
        match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some(name) if !word.is_empty() => {
                parameters.insert(name.to_owned(), word.to_owned());
            }
            None if part == word => {}
            _ => return None,
        }
    }
    Some(parameters)
}
