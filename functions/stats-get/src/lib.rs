//! `GET /v1/stats`: how many tasks there are, and what happened to them on which day.
//!
//! Of what the caller owns, or of everybody. A day is a day in UTC. On it counts what was created
//! (completed, if it was so from the beginning), completed, and deleted; what is taken out of the trash
//! takes back nothing. What is counted follows what happens with some delay: `as_of` says how far it is.

use db::ReadDb;
use domain::listing::Scope;
use domain::stats::{self, Period, Stats};
use domain::{Day, Permissions};
use route::{
    Access, CacheEntry, Caller, Cx, FromQuery, Parameters, Permission, Problem, Query, Route,
    Shown, Spec, Touch,
};

/// The route.
pub struct StatsGet;

/// The parameters.
pub struct Ask {
    /// Whose tasks; by default it depends on the caller.
    scope: Option<Scope>,
    from: Option<Day>,
    to: Option<Day>,
}

impl FromQuery for Ask {
    const PARAMETERS: &'static [&'static str] = &["scope", "from", "to"];

    fn from_query(p: &mut Parameters) -> Option<Self> {
        Some(Self {
            scope: p.optional("scope", stats::scope),
            from: p.optional("from", Day::parameter),
            to: p.optional("to", Day::parameter),
        })
    }
}

impl Route for StatsGet {
    const SPEC: Spec =
        Spec::get(env!("CARGO_PKG_NAME"), "/v1/stats", Access::Requires(Permission::TasksRead))
            .summary("Count tasks, and what happened to them");
    type Deps = ReadDb;
    type Input = Query<Ask>;
    type Output = Shown<Stats>;

    fn touches(Query(ask): &Self::Input, caller: &Caller) -> Touch {
        match scope_of(ask, caller.permissions) {
            Scope::All => Touch::Nothing,
            _ => Touch::Read(CacheEntry::uncached_list(caller.sub)),
        }
    }

    async fn handle(cx: Cx<'_, Self>, Query(ask): Self::Input) -> Result<Shown<Stats>, Problem> {
        let permissions = cx.caller()?.permissions;
        let scope = scope_of(&ask, permissions);
        let period = permit(scope, permissions).and_then(|()| {
            Period::asked(ask.from, ask.to, cx.today())
                .map_err(|fault| Problem::invalid_parameter("from", fault))
        });
        let period = match period {
            Ok(period) => period,
            Err(problem) => return Err(cx.refusal(problem).await),
        };
        let identity = cx.identity()?;
        let stats = match scope {
            Scope::All => cx.read(cx.deps.all_stats(&identity, period)).await?,
            _ => cx.as_far(|floor| cx.deps.owned_stats(&identity, period, floor)).await?,
        };
        Ok(Shown(stats))
    }
}

/// Whose tasks, also if nobody says: who writes is shown their own, who only reads, whatever they may
/// read.
fn scope_of(ask: &Ask, permissions: Permissions) -> Scope {
    let reads_all = permissions.has(Permission::TasksReadAll);
    let usual = if reads_all && !permissions.has(Permission::TasksWrite) {
        Scope::All
    } else {
        Scope::Owned
    };
    ask.scope.unwrap_or(usual)
}

/// Rights that depend on what is asked.
fn permit(scope: Scope, permissions: Permissions) -> Result<(), Problem> {
    if scope == Scope::All && !permissions.has(Permission::TasksReadAll) {
        return Err(Problem::forbidden(Permission::TasksReadAll));
    }
    Ok(())
}
