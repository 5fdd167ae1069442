use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

const TEMPLATE: &str = r#"
Parameters:
  Stage: { Type: String, Default: production }
  Origins: { Type: CommaDelimitedList, Default: "" }
Conditions:
  Live: !Equals [!Ref Stage, production]
  HasOrigins: !Not [!Equals [!Join [",", !Ref Origins], ""]]
  Both: !And [!Condition Live, {Condition: HasOrigins}]
Globals:
  Function:
    Timeout: 7
    Environment:
      Variables: { STAGE: !Ref Stage, LEVEL: info }
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: !If [HasOrigins, { AllowOrigins: !Ref Origins, MaxAge: 60 }, !Ref AWS::NoValue]
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: task-jobs
      VisibilityTimeout: 60
      RedrivePolicy: { deadLetterTargetArn: !GetAtt JobsDead.Arn, maxReceiveCount: 3 }
  JobsDead: { Type: AWS::SQS::Queue, Properties: { MessageRetentionPeriod: 1209600 } }
  OnlyLive: { Type: AWS::SQS::Queue, Condition: Live }
  WorkFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: work } }
    Properties:
      MemorySize: 512
      Environment:
        Variables:
          LEVEL: debug
          QUEUE: !Ref Jobs
          TEXT: !Sub "${Stage}/${Jobs.Arn}/${!literal}/${AWS::Region}"
          OWN: !Sub ["${a}-${Stage}", { a: !Select [1, !Split ["|", "x|y"]] }]
          LONG: { "Fn::Join": ["+", [{ Ref: Stage }, b]] }
      Events:
        Get: { Type: HttpApi, Properties: { Method: get, Path: "/x/{id}" } }
        Default: { Type: HttpApi }
        Off: { Type: Schedule, Properties: { Schedule: rate(1 hour), Enabled: false } }
        Tick: { Type: Schedule, Properties: { Schedule: rate(1 minute), Input: '{"job": 1}' } }
        Queue:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: 20
            MaximumBatchingWindowInSeconds: 2
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: { MaximumConcurrency: 3 }
"#;

fn place(parameters: &[(&str, &str)]) -> Place {
    let parameters: BTreeMap<String, String> =
        parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Place { parameters, region: "eu-west-1".into(), endpoint: "http://127.0.0.1:1".into() }
}

fn read(text: &str) -> Result<Template, Error> {
    Template::read(text, &place(&[("Stage", "local")]))
}

#[test]
fn a_function_has_its_settings_and_those_of_all() {
    let template = read(TEMPLATE).unwrap();
    let [work] = template.functions.as_slice() else { panic!("one function") };
    assert_eq!((work.name.as_str(), work.timeout), ("work", Duration::from_secs(7)));
    assert_eq!((work.memory, work.reserved_concurrency), (512, None));
    let of = |name: &str| work.environment[name].as_str();
    assert_eq!((of("STAGE"), of("LEVEL")), ("local", "debug"));
    assert_eq!(of("QUEUE"), "http://127.0.0.1:1/queue/eu-west-1/000000000000/task-jobs");
    assert_eq!(
        of("TEXT"),
        "local/arn:aws:sqs:eu-west-1:000000000000:task-jobs/${literal}/eu-west-1"
    );
    assert_eq!((of("OWN"), of("LONG")), ("y-local", "local+b"));
}

#[test]
fn events_are_read_and_those_that_are_off_left_out() {
    let template = read(TEMPLATE).unwrap();
    let work = &template.functions[0];
    let routes: Vec<_> = work.routes.iter().map(|r| (r.method.as_str(), r.path.as_str())).collect();
    assert_eq!(routes, [("GET", "/x/{id}"), ("ANY", "$default")]);
    let tick = ScheduleRule {
        name: "Tick".into(),
        expression: "rate(1 minute)".into(),
        input: Some(r#"{"job": 1}"#.into()),
    };
    assert_eq!(work.schedules, [tick]);
    let source = QueueSource {
        queue: template.queues[0].arn.clone(),
        batch_size: 20,
        window: Duration::from_secs(2),
        concurrency: 3,
        partial_failures: true,
    };
    assert_eq!(work.queues, [source]);
}

#[test]
fn queues_know_where_their_dead_letters_go_and_conditions_count() {
    let template = read(TEMPLATE).unwrap();
    let names: Vec<_> = template.queues.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(names, ["task-jobs", "JobsDead"], "OnlyLive is not local");
    let redrive = template.queues[0].redrive.as_ref().unwrap();
    assert_eq!((&redrive.target, redrive.receives), (&template.queues[1].arn, 3));
    assert_eq!((template.queues[0].visibility, template.queues[1].retention), (60, 1_209_600));
}

#[test]
fn cors_is_there_if_an_origin_is() {
    assert_eq!(read(TEMPLATE).unwrap().cors, None);
    let place = place(&[("Origins", "http://a, http://b")]);
    let cors = Template::read(TEMPLATE, &place).unwrap().cors.unwrap();
    assert_eq!(
        (cors.origins, cors.max_age),
        (vec!["http://a".into(), "http://b".into()], Some(60))
    );
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    let cases = [
        ("Resources:\n  A: !Base64 x\n", "line 2: `Base64` is no intrinsic that is known here"),
        ("A:\n  - x\n  - {\"Fn::Cidr\": [1]}\n", "line 3: `Cidr` is no intrinsic"),
        ("Parameters:\n  Key:\n    Type: String\n", "line 3: the parameter Key has no value"),
        ("A: [\n", "line "),
    ];
    for (text, expected) in cases {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with("template.yaml, ") && error.contains(expected), "{error}");
    }
    let broken = TEMPLATE.replace("!GetAtt Jobs.Arn", "!GetAtt Other.Arn");
    let error = read(&broken).unwrap_err().to_string();
    assert!(error.contains("line 47: `Other.Arn` is no attribute"), "{error}");
    let broken = TEMPLATE.replace("VisibilityTimeout: 60", "DelaySeconds: 60");
    let error = read(&broken).unwrap_err().to_string();
    assert!(error.contains("DelaySeconds is not played here"), "{error}");
    let broken = TEMPLATE.replace("BatchSize: 20", "FilterCriteria: {}");
    let error = read(&broken).unwrap_err().to_string();
    assert!(error.contains("FilterCriteria is not played here"), "{error}");
    let broken = TEMPLATE.replace("Type: Schedule,", "Type: Kinesis,");
    let error = read(&broken).unwrap_err().to_string();
    assert!(error.contains("events of type Kinesis are not played here"), "{error}");
}
