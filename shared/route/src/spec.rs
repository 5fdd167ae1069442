//! What is true of a route before any request.

use cache::Policy;
use domain::{Permission, Permissions, Role};

use crate::problem::Kind;

/// The method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    /// Any: only for the function behind `$default`.
    Any,
}

impl Method {
    /// As it is written in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Any => "*",
        }
    }
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token.
    Public,
    /// The issuer, with a logout token in a form.
    LogoutToken,
    /// Whoever has a valid token with at least one role that counts.
    AnyRole,
    /// Whoever has a valid token and the permission.
    Requires(Permission),
    /// Whoever has a valid token and one of these permissions, which is enough. The first is the one
    /// that a refusal names.
    RequiresAny(&'static [Permission]),
}

impl Access {
    /// Whether nobody is asked for a token.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Public)
    }

    /// Whether somebody calls with an access token.
    pub const fn has_caller(self) -> bool {
        !matches!(self, Self::Public | Self::LogoutToken)
    }

    /// Whether somebody with these roles, and what they give, may call.
    pub fn permits(self, roles: &[Role], permissions: Permissions) -> bool {
        match self {
            Self::Public => true,
            Self::LogoutToken => false,
            Self::AnyRole => !roles.is_empty(),
            Self::Requires(required) => permissions.has(required),
            Self::RequiresAny(enough) => enough.iter().any(|one| permissions.has(*one)),
        }
    }

    /// The permission that a refusal names, if there is one to name.
    pub const fn required(self) -> Option<Permission> {
        match self {
            Self::Public | Self::LogoutToken | Self::AnyRole => None,
            Self::Requires(required) => Some(required),
            Self::RequiresAny(enough) => enough.first().copied(),
        }
    }
}

/// The declaration of a route.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The name: of the folder, the package, the binary and the operation.
    pub name: &'static str,
    /// The method. A GET answers HEAD too.
    pub method: Method,
    /// The path, with `{…}` for what varies.
    pub path: &'static str,
    /// Whether the path also answers without `/v1` in front.
    pub at_root: bool,
    /// Who may call it.
    pub access: Access,
    /// Whether calls are counted against a limit: of the caller, or of where they call from.
    pub limited: bool,
    /// A limit of its own, besides that of all calls.
    pub policy: Option<Policy>,
    /// What it takes to reach things of others, where the path names one.
    pub reach: Permission,
    /// One line for the documentation.
    pub summary: &'static str,
    /// The problems of this route alone; the others follow from its input and access.
    pub problems: &'static [Kind],
}

/// The path of the route that takes what no other route takes.
pub const DEFAULT_PATH: &str = "$default";

impl Spec {
    /// `GET path`.
    pub const fn get(name: &'static str, path: &'static str, access: Access) -> Self {
        Self::new(name, Method::Get, path, access)
    }

    /// `POST path`.
    pub const fn post(name: &'static str, path: &'static str, access: Access) -> Self {
        Self::new(name, Method::Post, path, access)
    }

    /// `PUT path`.
    pub const fn put(name: &'static str, path: &'static str, access: Access) -> Self {
        Self::new(name, Method::Put, path, access)
    }

    /// `PATCH path`.
    pub const fn patch(name: &'static str, path: &'static str, access: Access) -> Self {
        Self::new(name, Method::Patch, path, access)
    }

    /// `DELETE path`.
    pub const fn delete(name: &'static str, path: &'static str, access: Access) -> Self {
        Self::new(name, Method::Delete, path, access)
    }

    /// Whatever no other route takes.
    pub const fn default_route(name: &'static str) -> Self {
        Self::raw(name, Method::Any, DEFAULT_PATH, Access::Public)
    }

    const fn new(name: &'static str, method: Method, path: &'static str, access: Access) -> Self {
        let bytes = path.as_bytes();
        assert!(!bytes.is_empty() && bytes[0] == b'/', "a path starts with `/`");
        assert!(bytes[bytes.len() - 1] != b'/', "a path does not end with `/`");
        if let Access::RequiresAny(enough) = access {
            assert!(!enough.is_empty(), "one of no permissions is what nobody has");
        }
        Self::raw(name, method, path, access)
    }

    const fn raw(name: &'static str, method: Method, path: &'static str, access: Access) -> Self {
        Self {
            name,
            method,
            path,
            at_root: false,
            access,
            limited: true,
            policy: None,
            reach: Permission::TasksReadAll,
            summary: "",
            problems: &[],
        }
    }

    /// With one line for the documentation.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// With problems of its own.
    #[must_use]
    pub const fn problems(mut self, problems: &'static [Kind]) -> Self {
        self.problems = problems;
        self
    }

    /// For whoever calls as often as they must.
    #[must_use]
    pub const fn unlimited(mut self) -> Self {
        self.limited = false;
        self
    }

    /// With a limit of its own, besides that of all calls.
    #[must_use]
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Where reading any task is not enough to reach things of others.
    #[must_use]
    pub const fn reach(mut self, permission: Permission) -> Self {
        self.reach = permission;
        self
    }

    /// Also without `/v1` in front.
    #[must_use]
    pub const fn also_at_root(mut self) -> Self {
        self.at_root = true;
        self
    }

    /// Every path that leads here, the canonical one first.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        let root = self.path.strip_prefix("/v1").filter(|_| self.at_root);
        [Some(self.path), root].into_iter().flatten()
    }

    /// Every method that leads here: a GET answers HEAD too.
    pub fn methods(&self) -> impl Iterator<Item = &'static str> {
        let head = (self.method == Method::Get).then_some("HEAD");
        [Some(self.method.name()), head].into_iter().flatten()
    }

    /// The gateway's names for what leads here.
    pub fn route_keys(&self) -> Vec<String> {
        if self.path == DEFAULT_PATH {
            return vec![DEFAULT_PATH.to_owned()];
        }
        self.paths().flat_map(|path| self.methods().map(move |m| format!("{m} {path}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::Permission::{TasksRead, TasksWrite, UsersManage};

    use super::*;

    #[test]
    fn who_may_call_depends_on_roles_or_on_permissions() {
        let reads = Permissions::of([TasksRead]);
        assert!(Access::Public.permits(&[], Permissions::NONE));
        assert!(!Access::AnyRole.permits(&[], reads));
        assert!(Access::AnyRole.permits(&[Role::Viewer], Permissions::NONE));
        assert!(Access::Requires(TasksRead).permits(&[], reads));
        assert!(!Access::Requires(TasksWrite).permits(&[Role::User], reads));
        assert!(Access::RequiresAny(&[TasksWrite, TasksRead]).permits(&[], reads));
        assert!(!Access::RequiresAny(&[TasksWrite, UsersManage]).permits(&[Role::User], reads));
    }

    #[test]
    fn a_refusal_names_the_first_permission_that_would_do() {
        assert_eq!(Access::Requires(TasksRead).required(), Some(TasksRead));
        assert_eq!(Access::RequiresAny(&[TasksWrite, UsersManage]).required(), Some(TasksWrite));
        assert_eq!(Access::AnyRole.required(), None);
    }

    #[test]
    fn a_get_answers_head_and_an_alias_both() {
        let spec = Spec::get("x", "/v1/tasks/{id}", Access::Public).also_at_root();
        assert_eq!(
            spec.route_keys(),
            ["GET /v1/tasks/{id}", "HEAD /v1/tasks/{id}", "GET /tasks/{id}", "HEAD /tasks/{id}"]
        );
        assert_eq!(Spec::post("x", "/v1/tasks", Access::Public).route_keys(), ["POST /v1/tasks"]);
        assert_eq!(Spec::default_route("x").route_keys(), ["$default"]);
    }
}
