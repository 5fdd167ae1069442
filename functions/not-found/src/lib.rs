//! Whatever no other route takes: 404, or 405 with `Allow` where the address knows other methods.
//!
//! The gateway's own answers to these are not problems, and it knows no 405. Which addresses there
//! are is read from the committed list of routes, which the catalog's tests keep true.

use std::collections::BTreeSet;

use route::{Cx, Kind, Never, Problem, Route, Spec};

/// The route.
pub struct NotFound;

/// Every route as the catalog lists it: method, path, and more that is not needed here.
const ROUTES: &str = include_str!("../../../shared/catalog/routes.txt");

impl Route for NotFound {
    const SPEC: Spec = Spec::default_route(env!("CARGO_PKG_NAME"))
        .summary("Answer for addresses that do not exist")
        .problems(&[Kind::NotFound, Kind::MethodNotAllowed]);
    type Deps = ();
    type Input = route::AnyQuery;
    type Output = Never;

    async fn handle(cx: Cx<'_, Self>, _: route::AnyQuery) -> Result<Never, Problem> {
        let methods = methods_at(cx.request.path());
        if methods.is_empty() {
            return Err(Problem::new(Kind::NotFound));
        }
        let allow: Vec<&str> = methods.into_iter().collect();
        Err(Problem::method_not_allowed(&allow.join(", ")))
    }
}

/// The methods that an address knows.
fn methods_at(path: &str) -> BTreeSet<&'static str> {
    ROUTES
        .lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            Some((words.next()?, words.next()?))
        })
        .filter(|(_, template)| template.starts_with('/') && fits(template, path))
        .flat_map(|(method, _)| [Some(method), (method == "GET").then_some("HEAD")])
        .flatten()
        .collect()
}

/// Whether a path is one of those that a template describes.
fn fits(template: &str, path: &str) -> bool {
    let (mut parts, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(word)) if part == word => {}
            (Some(part), Some(word)) if part.starts_with('{') && !word.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_knows_its_methods() {
        assert!(methods_at("/v1/tasks").contains("POST"));
        assert!(methods_at("/tasks").contains("POST"));
        assert_eq!(methods_at("/health"), BTreeSet::from(["GET", "HEAD"]));
        assert!(methods_at("/v1/tasks/0197").contains("HEAD"));
        for path in ["", "/", "/v1", "/v1/tasks/", "/v1/tasks/a/b", "/v1/task", "$default", "GET"] {
            assert!(methods_at(path).is_empty(), "{path}");
        }
    }
}
