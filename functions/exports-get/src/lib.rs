//! `GET /v1/exports/{id}`: how far an export is, and where its file is.
//!
//! Only who asked for it, and who administers tasks, may know that there is one. The file's address is signed
//! for each answer and holds for a quarter of an hour; it is the only way to the file.

use db::{OwnedExport, ReadDb};
use domain::export::Status;
use domain::listing::Scope;
use domain::{Export, Permissions, Private};
use route::{Access, Cx, Kind, Path, Permission, Problem, Reply, Response, Route, Spec};
use storage::Files;

/// The route.
pub struct ExportsGet;

/// 200 with an export; while it is unfinished, with when to ask again.
pub struct Progress(Export);

/// After so many seconds it is worth asking again.
const ASK_AGAIN: &str = "2";

impl Reply for Progress {
    const STATUSES: &'static [u16] = &[200];

    fn into_response(self) -> Response {
        let response = Response::json(200, &self.0);
        if self.0.is_unfinished() { response.header("retry-after", ASK_AGAIN) } else { response }
    }
}

impl Route for ExportsGet {
    const SPEC: Spec = Spec::get(
        env!("CARGO_PKG_NAME"),
        "/v1/exports/{id}",
        Access::Requires(Permission::TasksRead),
    )
    .reach(Permission::TasksAdmin)
    .summary("Show an export");
    type Deps = (ReadDb, Files);
    type Input = Path<Export>;
    type Output = Progress;

    async fn handle(cx: Cx<'_, Self>, path: Self::Input) -> Result<Progress, Problem> {
        let caller = cx.caller()?;
        let (db, files) = cx.deps;
        let found = cx.read(db.find_export(&cx.identity()?, path.id)).await?;
        let visible = |found: &OwnedExport| {
            found.owner == caller.sub || caller.permissions.has(Permission::TasksAdmin)
        };
        let Some(OwnedExport { owner, mut export }) = found.filter(visible) else {
            return Err(Problem::new(Kind::ExportNotFound));
        };
        if export.status == Status::Completed && may_have(&export, caller.permissions) {
            let key = Export::key(owner, export.id, export.format);
            let link = files.link(&key, &export.file_name()).await;
            let link = link.map_err(|error| Problem::internal(error.to_string()))?;
            export.download_url = Some(Private::new(link));
        }
        Ok(Progress(export))
    }
}

/// Whether somebody may still have what they were allowed to ask for: rights can be withdrawn meanwhile.
fn may_have(export: &Export, permissions: Permissions) -> bool {
    let asks_for = |name: &str| export.filter.expose().get(name).is_some();
    let of_others = export.scope == Scope::All || asks_for("user_id");
    (!of_others || permissions.has(Permission::TasksReadAll))
        && (!asks_for("deleted") || permissions.has(Permission::TasksAdmin))
}
