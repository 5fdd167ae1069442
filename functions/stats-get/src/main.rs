//! The Lambda function `stats-get`.

fn main() -> std::process::ExitCode {
    route::serve::<stats_get::StatsGet>()
}
