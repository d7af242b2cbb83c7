import Agent
import Core
import TestSupport
import Testing

/// The body of a request, which is read as strictly as a command.
@Suite struct CareRequestTests {
  private func read(_ text: String) -> CareRequest {
    let bytes = utf8(text)
    return CareRequest(bytes.span)
  }

  @Test func eachTaskIsUnderstood() {
    let status = read(#" {"n":1764540000000 , "do":"status"} "#)
    #expect(status.isWellFormed && status.task == .status && status.number == 1_764_540_000_000)
    let log = read(#"{"for":"10m","level":"debug","do":"log","n":9007199254740992}"#)
    #expect(log.isWellFormed && log.level == .debug && log.length == .seconds(600))
    let restart = read(#"{"n":1,"do":"restart","expires":"2026-11-30T22:00:00Z"}"#)
    #expect(restart.isWellFormed && restart.expires == WallTime(milliseconds: 1_796_076_000_000))
    let text = #"{"n":1,"do":"profile","within":"10s","pro\u0066ile" : {"a":[{}]} }"#
    let profile = read(text)
    #expect(profile.isWellFormed && profile.length == .seconds(10))
    #expect(String(decoding: utf8(text)[profile.profile.range], as: UTF8.self) == #" {"a":[{}]}"#)
  }

  @Test(arguments: [
    "", "{}", "[]", "null", #"{"n":1}"#, #"{"do":"status"}"#, #"{"n":0,"do":"status"}"#,
    #"{"n":-1,"do":"status"}"#, #"{"n":1.5,"do":"status"}"#,
    #"{"n":9007199254740993,"do":"status"}"#,
    #"{"n":1e99,"do":"status"}"#, #"{"n":"1","do":"status"}"#, #"{"n":1,"n":2,"do":"status"}"#,
    #"{"n":1,"do":"status","do":"restart"}"#, #"{"n":1,"do":"dance"}"#,
    #"{"n":1,"do":"status","x":"y"}"#, #"{"n":1,"do":"status","x":true}"#,
    #"{"n":1,"do":"status"}{}"#, #"{"n":1,"do":"status"#, #"{"n":1,"do":"status","for":"1m"}"#,
    #"{"n":1,"do":"log"}"#, #"{"n":1,"do":"log","level":"loud"}"#,
    #"{"n":1,"do":"log","level":"info","for":"25h"}"#,
    #"{"n":1,"do":"log","level":"info","for":"0s"}"#,
    #"{"n":1,"do":"log","level":"info","within":"5m"}"#,
    #"{"n":1,"do":"log","level":"info","profile":{}}"#, #"{"n":1,"do":"restart","level":"info"}"#,
    #"{"n":1,"do":"profile"}"#, #"{"n":1,"do":"profile","profile":[]}"#,
    #"{"n":1,"do":"profile","profile":"{}"}"#, #"{"n":1,"do":"profile","profile":{},"profile":{}}"#,
    #"{"n":1,"do":"profile","profile":{},"within":"9s"}"#,
    #"{"n":1,"do":"profile","profile":{},"within":"61m"}"#,
    #"{"n":1,"do":"profile","profile":{},"for":"5m"}"#, #"{"n":1,"do":"profile","profile":{}"#,
    #"{"n":1,"do":"restart","expires":"tomorrow"}"#, #"{"n":1,"do":"stat\u0075s"}"#,
  ])
  func anythingElseIsNot(text: String) {
    #expect(!read(text).isWellFormed)
  }
}
