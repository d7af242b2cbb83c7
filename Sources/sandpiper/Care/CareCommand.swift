import Agent
import Core
import Device
import Linux
import LinuxAgent
import Profile

/// `sandpiper care PROFILE`: what remote care has brought, and how a person drops it.
enum CareCommand {
  private enum Option {
    static let state: Int32 = 1
    static let drop: Int32 = 2
  }

  static func perform() -> Exit {
    var options = Options(after: 1)
    options.add("state", takesValue: true, code: Option.state)
    options.add("drop", code: Option.drop)
    var folder = ""
    var drops = false
    while let code = options.next() {
      switch code {
      case Option.state:
        folder = options.withValue { bytes in
          var copy: [UInt8] = []
          for index in bytes.indices { copy.append(bytes[index]) }
          return String(decoding: copy, as: UTF8.self)
        }
      case Option.drop: drops = true
      default: return .usage
      }
    }
    let path = Sandpiper.argument(options.firstOperand)
    guard Arguments.count == options.firstOperand + 1 else {
      Console.complain("usage: sandpiper care [--state DIR] [--drop] PROFILE")
      return .usage
    }
    let state = StateFolder(option: folder)
    guard !state.path.isEmpty else {
      Console.complain("sandpiper: --state says where remote care keeps what it has brought")
      return .usage
    }
    guard let installed = ProfileFile(path: path).read() else { return .badProfile }
    let keeper = CareKeeper(stem: state.stem(of: installed).span)
    guard !keeper.isBroken else {
      Console.complain(
        "sandpiper: \(keeper.path(of: .record)): can't be read, or is none of remote care's")
      return .failure
    }
    if drops { return drop(keeper) }
    show(keeper, installed, path)
    return .fine
  }

  private static func show(
    _ keeper: borrowing CareKeeper, _ installed: Configuration, _ path: String
  ) {
    let record = keeper.record
    let holds = record.over == installed.device.profileHash
    let hasAccepted = record.accepted != nil && keeper.hasAccepted
    if hasAccepted, holds {
      Console.print(row("profile", "by remote care: \(keeper.path(of: .accepted))"))
    } else {
      Console.print(row("profile", "as installed: \(path)"))
    }
    if hasAccepted || record.trial != nil, !holds {
      Console.print(row("", "edited since, so the next start puts that of remote care aside"))
    }
    if let trial = record.trial {
      Console.print(
        row(
          "on trial",
          "\(keeper.path(of: .trial)), online within \(trial.within.seconds) s or given up"
        ))
    }
    if record.number > 0 { Console.print(row("last request", "\(record.number)")) }
    guard let answer = record.answer else { return }
    Console.print(
      row("to be answered", "request \(answer.number): \(answer.result.word)"))
  }

  private static func drop(_ keeper: borrowing CareKeeper) -> Exit {
    guard keeper.record.accepted != nil, keeper.hasAccepted else {
      Console.complain("sandpiper: remote care has brought no profile that is in use")
      return .failure
    }
    guard keeper.drop() else { return .failure }
    Console.print(
      "dropped, and kept as \(keeper.path(of: .old)): the next start, or SIGHUP, takes the installed profile"
    )
    return .fine
  }

  private static func row(_ name: String, _ value: String) -> String {
    Console.left(name, 16) + value
  }
}
