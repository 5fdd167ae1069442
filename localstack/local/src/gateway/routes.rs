//! Which function answers a request.

use std::collections::BTreeMap;

use crate::template::HttpRoute;

/// The path of the route that takes what no other takes.
const DEFAULT: &str = "$default";
const ANY: &str = "ANY";

/// The routes of an API.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<Route>);

#[derive(Clone, Debug)]
struct Route {
    method: String,
    path: String,
    function: String,
}

/// The route of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'r> {
    /// The function.
    pub function: &'r str,
    /// `GET /v1/tasks/{id}`, or `$default`.
    pub route_key: String,
    /// What the `{…}` stand for.
    pub path_parameters: BTreeMap<String, String>,
}

/// How well a segment fits; the least is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Literal,
    Parameter,
    Greedy,
}

type Parameters = BTreeMap<String, String>;

impl Routes {
    /// One more route.
    pub fn add(&mut self, method: &str, path: &str, function: &str) {
        let (method, path, function) = (method.into(), path.into(), function.into());
        self.0.push(Route { method, path, function });
    }

    /// The routes of a template's functions.
    pub fn of<'t>(routes: impl IntoIterator<Item = (&'t str, &'t HttpRoute)>) -> Self {
        let mut all = Self::default();
        for (function, HttpRoute { method, path }) in routes {
            all.add(method, path, function);
        }
        all
    }

    /// The route for a method and a path, which is decoded already. Literal segments go before
    /// parameters, those before `{rest+}`, a method before `ANY`, and `$default` is the last.
    pub fn find(&self, method: &str, path: &str) -> Option<Found<'_>> {
        let fitting = self.0.iter().filter_map(|route| {
            let any = route.method == ANY;
            if !any && route.method != method {
                return None;
            }
            let (fits, parameters) = fit(&route.path, path)?;
            Some(((fits, any), route, parameters))
        });
        let best = fitting.min_by(|(left, ..), (right, ..)| left.cmp(right));
        if let Some((_, route, path_parameters)) = best {
            let route_key = format!("{} {}", route.method, route.path);
            return Some(Found { function: &route.function, route_key, path_parameters });
        }
        let default = self.0.iter().find(|route| route.path == DEFAULT)?;
        let (route_key, path_parameters) = (DEFAULT.to_owned(), Parameters::new());
        Some(Found { function: &default.function, route_key, path_parameters })
    }
}

/// How a path fits a template, segment by segment, and what the `{…}` stand for.
fn fit(template: &str, path: &str) -> Option<(Vec<Fit>, Parameters)> {
    let (mut fits, mut parameters) = (Vec::new(), Parameters::new());
    let mut words = path.split('/');
    for part in template.split('/') {
        let word = words.next()?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None if part == word => fits.push(Fit::Literal),
            None => return None,
            Some(_) if word.is_empty() => return None,
            Some(name) => match name.strip_suffix('+') {
                None => {
                    parameters.insert(name.to_owned(), word.to_owned());
                    fits.push(Fit::Parameter);
                }
                Some(name) => {
                    let rest: Vec<&str> = std::iter::once(word).chain(words.by_ref()).collect();
                    parameters.insert(name.to_owned(), rest.join("/"));
                    fits.push(Fit::Greedy);
                }
            },
        }
    }
    words.next().is_none().then_some((fits, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_fit_wins_whatever_the_order() {
        let mut all = [
            ("GET", "/pets/dog/1", "one"),
            ("GET", "/pets/dog/{id}", "dog"),
            ("ANY", "/pets/dog/{id}", "any dog"),
            ("GET", "/pets/{rest+}", "pets"),
            ("ANY", "/{rest+}", "all"),
            ("ANY", "$default", "default"),
        ];
        let cases = [
            ("GET", "/pets/dog/1", "one"),
            ("GET", "/pets/dog/2", "dog"),
            ("PUT", "/pets/dog/2", "any dog"),
            ("GET", "/pets/cat/1/tail", "pets"),
            ("GET", "/x", "all"),
            ("GET", "/", "default"),
            ("GET", "*", "default"),
            ("GET", "", "default"),
        ];
        for _ in 0..2 {
            let mut routes = Routes::default();
            for (method, path, function) in all {
                routes.add(method, path, function);
            }
            for (method, path, function) in cases {
                let found = routes.find(method, path).unwrap();
                assert_eq!(found.function, function, "{method} {path}");
            }
            all.reverse();
        }
    }

    #[test]
    fn parameters_are_told_and_never_empty() {
        let mut routes = Routes::default();
        routes.add("GET", "/v1/{kind}/{id}", "show");
        let found = routes.find("GET", "/v1/tasks/7").unwrap();
        assert_eq!(found.route_key, "GET /v1/{kind}/{id}");
        let parameters = [("id", "7"), ("kind", "tasks")].map(|(n, v)| (n.into(), v.into()));
        assert_eq!(found.path_parameters, Parameters::from(parameters));
        for path in ["/v1/tasks/", "/v1/tasks", "/v1/tasks/7/", "/v1//7", "v1/tasks/7"] {
            assert_eq!(routes.find("GET", path), None, "{path}");
        }
        assert_eq!(routes.find("POST", "/v1/tasks/7"), None);
    }
}
