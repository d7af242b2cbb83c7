import Core
import LinuxBoard
import Profile

/// What is wrong with a draft: the judge is the reader that `check` and `run` have.
extension ProfileDraft {
  /// What a person can be asked for.
  enum Value: CaseIterable {
    case id, base, broker, user, passwordFile

    /// The option that says it.
    var option: StaticString {
      switch self {
      case .id: "id"
      case .base: "base"
      case .broker: "broker"
      case .user: "user"
      case .passwordFile: "password-file"
      }
    }

    /// Where it stands in the profile.
    fileprivate var pointer: StaticString {
      switch self {
      case .id: "/device/id"
      case .base: "/device/base"
      case .broker: "/broker/url"
      case .user: "/broker/user"
      case .passwordFile: "/broker/passwordFile"
      }
    }
  }

  /// What is said of it so far.
  func text(of value: Value) -> Words {
    switch value {
    case .id: id
    case .base: base
    case .broker: broker
    case .user: user
    case .passwordFile: passwordFile
    }
  }

  /// What is wrong with that; empty for nothing.
  func fault(of value: Value) -> Words { fault(at: "\(literal: value.pointer)") }

  /// What is wrong at that place of the profile, or below it; empty for nothing.
  func fault(at pointer: Words) -> Words {
    for problem in ProfileReader.read(text.bytes).problems where !problem.isWarning {
      let place = [UInt8](problem.pointer.utf8)
      guard place.starts(with: pointer.bytes) else { continue }
      guard place.count == pointer.bytes.count || place[pointer.bytes.count] == UInt8(ascii: "/")
      else { continue }
      return Words([UInt8](problem.message.utf8))
    }
    return Words()
  }

  /// True when the whole may be written; else says what is wrong.
  func isGood() -> Bool {
    let (configuration, problems) = ProfileReader.read(text.bytes)
    for problem in problems where !problem.isWarning || configuration == nil {
      let what = Words([UInt8](problem.message.utf8))
      let place = Words([UInt8](problem.pointer.utf8))
      Console.complain(words: "sandpiper: \(place): \(what)")
    }
    if points.isEmpty {
      Console.complain(words: "sandpiper: name one with --input, --output, --counter or --sensor")
    }
    guard let configuration else { return false }
    return MemoryPlan(configuration, isSimulated: false).fits("the profile")
  }
}

extension Words {
  /// The text as a level of a topic: other bytes than letters, digits, _ and - become -, and there are so many
  /// at the most.
  func level(longest: Int) -> Words {
    var level: [UInt8] = []
    for byte in bytes.prefix(longest) {
      let letter = byte | 0x20
      let isGood =
        letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
        || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "_")
      level.append(isGood ? byte : UInt8(ascii: "-"))
    }
    return Words(level)
  }
}
