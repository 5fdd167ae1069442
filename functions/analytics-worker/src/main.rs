//! The Lambda function `analytics-worker`.

fn main() -> std::process::ExitCode {
    worker::serve::<analytics_worker::AnalyticsWorker>()
}
