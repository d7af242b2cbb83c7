import Core
import Linux

/// What the command line of `init` says.
final class InitSettings {
  private enum Option {
    static let output: Int32 = 0x6F
    static let yes: Int32 = 0x79
    static let force: Int32 = 1
    static let id: Int32 = 2
    static let base: Int32 = 3
    static let broker: Int32 = 4
    static let user: Int32 = 5
    static let passwordFile: Int32 = 6
    static let input: Int32 = 7
    static let drive: Int32 = 8
    static let counter: Int32 = 9
    static let sensor: Int32 = 10
    static let noSensors: Int32 = 11
    static let noJournal: Int32 = 12
  }

  static var usage: Words {
    """
    usage: sandpiper init [--id NAME] [--base TOPIC] [--broker URL] [--user NAME] [--password-file FILE] \
    [--input|--output|--counter NAME=LINE]... [--sensor NAME=SOURCE | --no-sensors] [--no-journal] [--yes] \
    [--force] [-o FILE]
    """
  }

  /// A point that was asked for: which kind, and NAME=PLACE.
  struct Wanted {
    var kind: Kind
    var text: Words
  }

  /// A kind of point, as profiles and the command line name it.
  enum Kind {
    case input, output, counter, sensor

    var word: StaticString {
      switch self {
      case .input: "input"
      case .output: "output"
      case .counter: "counter"
      case .sensor: "sensor"
      }
    }
  }

  var id = Words()
  var base = Words()
  var broker = Words()
  var user = Words()
  var passwordFile = Words()
  /// Empty for the usual one, `-` for standard output.
  var file = Words()
  var points: [Wanted] = []
  /// Sensors that were not named are not wanted.
  var hasNoSensors = false
  var hasNoJournal = false
  /// Questions may be asked for what is not said.
  var mayAsk = true
  /// A file that is there may be written over.
  var isForced = false

  /// Reads the command line; false when it is wrong.
  func parse() -> Bool {
    var options = Options(letters: "o:y", after: 1)
    options.add("yes", code: Option.yes)
    options.add("force", code: Option.force)
    options.add("id", takesValue: true, code: Option.id)
    options.add("base", takesValue: true, code: Option.base)
    options.add("broker", takesValue: true, code: Option.broker)
    options.add("user", takesValue: true, code: Option.user)
    options.add("password-file", takesValue: true, code: Option.passwordFile)
    options.add("input", takesValue: true, code: Option.input)
    options.add("output", takesValue: true, code: Option.drive)
    options.add("counter", takesValue: true, code: Option.counter)
    options.add("sensor", takesValue: true, code: Option.sensor)
    options.add("no-sensors", code: Option.noSensors)
    options.add("no-journal", code: Option.noJournal)
    while let code = options.next() {
      let value = options.withValue { bytes in
        Words(upTo: bytes.count) { out in out.append(contentsOf: bytes) }
      }
      switch code {
      case Option.yes: mayAsk = false
      case Option.force: isForced = true
      case Option.noSensors: hasNoSensors = true
      case Option.noJournal: hasNoJournal = true
      case Option.id where !value.isEmpty: id = value
      case Option.base where !value.isEmpty: base = value
      case Option.broker where !value.isEmpty: broker = value
      case Option.user where !value.isEmpty: user = value
      case Option.passwordFile where !value.isEmpty: passwordFile = value
      case Option.output where !value.isEmpty: file = value
      case Option.input: points.append(Wanted(kind: .input, text: value))
      case Option.drive: points.append(Wanted(kind: .output, text: value))
      case Option.counter: points.append(Wanted(kind: .counter, text: value))
      case Option.sensor: points.append(Wanted(kind: .sensor, text: value))
      default: return false
      }
    }
    return options.firstOperand == Arguments.count
  }
}
