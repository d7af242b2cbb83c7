import Core
import Linux

/// `sandpiper set PATH POINT VALUE`: changes a point of a running simulation by hand.
enum SetCommand {
  static func perform() -> Exit {
    guard Arguments.count == 5 else {
      Console.complain("usage: sandpiper set PATH POINT VALUE   (on, off, 1, 0, a number, auto)")
      return .usage
    }
    let path = [UInt8](Sandpiper.argument(2).utf8)
    let request = [UInt8]((Sandpiper.argument(3) + " " + value(Sandpiper.argument(4))).utf8)
    guard request.count <= 64 else {
      Console.complain("sandpiper: point and value are too long")
      return .usage
    }
    var failure: SystemError?
    let answer = [UInt8](capacity: 512) { out in
      do throws(SystemError) {
        try ControlSocket.send(
          request.span, to: path.span, timeout: .seconds(2), reply: &out)
      } catch {
        failure = error
      }
    }
    if let failure {
      Console.complain(
        words:
          "sandpiper: \(Words(path)): no agent answers there (run --control): \(SystemText.reason(failure.code))"
      )
      return .failure
    }
    guard answer.starts(with: [UInt8(ascii: "o"), UInt8(ascii: "k")]) else {
      Console.complain("sandpiper: " + String(decoding: answer.dropLast(), as: UTF8.self))
      return .failure
    }
    return .fine
  }

  /// On and off as people write them.
  private static func value(_ word: String) -> String {
    switch word {
    case "on", "true", "ON": "1"
    case "off", "false", "OFF": "0"
    default: word
    }
  }
}
