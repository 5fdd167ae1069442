//! What the gateway does before a function is called.

use local::gateway::Routes;
use percent_encoding::percent_decode_str;
use route::Entry;
use route::gateway::{Event, RequestContext, RequestContextHttp};

/// The function for a request, and the event that tells it of the request.
pub(crate) fn event(entries: &[Entry], method: &str, target: &str) -> (&'static str, Event) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // The gateway decodes the path before it matches it.
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let mut routes = Routes::default();
    for Entry { spec, .. } in entries {
        for path in spec.paths() {
            spec.methods().for_each(|method| routes.add(method, path, spec.name));
        }
    }
    let found = routes.find(method, &path).expect("a default route");
    let function = entries.iter().find(|entry| entry.spec.name == found.function);
    let http = RequestContextHttp { method: method.into(), source_ip: "203.0.113.7".into() };
    let event = Event {
        version: "2.0".into(),
        route_key: found.route_key,
        raw_path: path,
        raw_query_string: query.into(),
        path_parameters: found.path_parameters,
        request_context: RequestContext { stage: "$default".into(), http },
        ..Event::default()
    };
    (function.expect("a function of the catalog").spec.name, event)
}
