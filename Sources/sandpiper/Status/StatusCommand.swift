import CLinux
import Core
import Linux

/// `sandpiper status`: what the running agent knows, for people and for programs.
enum StatusCommand {
  private enum Option {
    static let json: Int32 = 1
    static let metrics: Int32 = 2
    static let watch: Int32 = 3
    static let socket: Int32 = 4
  }

  private enum Form {
    case screen, json, metrics, watch
  }

  static func perform() -> Exit {
    var form = Form.screen
    var path: Words = "/run/sandpiper/status"
    guard parse(&form, &path) else {
      Console.complain(
        words: "usage: sandpiper status [--json | --metrics | --watch] [--socket PATH]")
      return .usage
    }
    if form == .watch { return StatusWatch.perform(path) }
    var fault = Words()
    let answer = StatusAnswer(from: path, &fault)
    if answer == nil { Console.complain(words: fault) }
    if form == .metrics {
      // Written in any case, or an old file would tell of an agent that has long been gone: that there is no
      // answer, and no link, is among the metrics.
      for line in StatusMetrics(answer?.document).lines { Console.print(words: line) }
      return .fine
    }
    guard let answer else { return .failure }
    if form == .json {
      Console.print(words: answer.text)
    } else {
      for line in StatusScreen.lines(answer.document) { Console.print(words: line) }
    }
    return answer.isOnline ? .fine : .offline
  }

  private static func parse(_ form: inout Form, _ path: inout Words) -> Bool {
    var options = Options(after: 1)
    options.add("json", code: Option.json)
    options.add("metrics", code: Option.metrics)
    options.add("watch", code: Option.watch)
    options.add("socket", takesValue: true, code: Option.socket)
    while let code = options.next() {
      let chosen: Form
      switch code {
      case Option.json: chosen = .json
      case Option.metrics: chosen = .metrics
      case Option.watch: chosen = .watch
      case Option.socket:
        path = options.withValue { value in
          Words(upTo: value.count) { out in out.append(contentsOf: value) }
        }
        if path.isEmpty { return false }
        continue
      default: return false
      }
      guard form == .screen || form == chosen else { return false }
      form = chosen
    }
    return options.firstOperand == Arguments.count
  }
}

/// What an agent has answered.
struct StatusAnswer {
  /// Its words, without the line's end.
  let text: Words
  let document: StatusValue

  /// More than this no agent says.
  private static let bytesMax = 1 << 20
  private static let patience = Interval.seconds(5)

  /// True when the broker has a session with the device.
  var isOnline: Bool { document["link"]["state"].equals("online") }

  /// Asks the agent at `path`; nil, and why and what to do, when there is no answer. It is waited for no longer
  /// once `other` is readable, where there is such a descriptor.
  init?(from path: Words, unlessReadable other: Int32 = -1, _ fault: inout Words) {
    var failure: SystemError?
    let bytes = [UInt8](capacity: Self.bytesMax) { out in
      do throws(SystemError) {
        try LocalListener.read(
          from: path.bytes.span, timeout: Self.patience, unlessReadable: other, into: &out)
      } catch {
        failure = error
      }
    }
    if let failure {
      fault = Self.explain(failure, path)
      return nil
    }
    guard let document = StatusValue(document: bytes) else {
      fault = "sandpiper: what is at \(path) is no status of an agent: is this its socket?"
      return nil
    }
    text = Words([UInt8](bytes.prefix { $0 != UInt8(ascii: "\n") }))
    self.document = document
  }

  private static func explain(_ failure: SystemError, _ path: Words) -> Words {
    let reason = SystemText.reason(failure.code)
    switch failure.code {
    case ENOENT, ENOTDIR:
      return """
        sandpiper: no agent can be asked at \(path): is the service running (systemctl status sandpiper)? \
        One that was started by hand can be asked with run --status PATH, and status --socket PATH
        """
    case EACCES, EPERM:
      let group = SystemText.survey(path).map { SystemText.group($0.group) } ?? "sandpiper"
      return """
        sandpiper: \(SystemText.user) may not ask the agent at \(path): sudo usermod -aG \(group) \
        \(SystemText.user), then log in anew
        """
    case ECONNREFUSED:
      return """
        sandpiper: nobody listens at \(path) any more: start the agent (systemctl start sandpiper), and see \
        its log (journalctl -u sandpiper)
        """
    case ETIMEDOUT, EAGAIN:
      return """
        sandpiper: the agent at \(path) does not answer: does its loop stand still? See its log \
        (journalctl -u sandpiper)
        """
    default: return "sandpiper: \(path): \(literal: failure.doing): \(reason)"
    }
  }
}
