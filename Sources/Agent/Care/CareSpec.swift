import Core

/// A public key of Ed25519 (RFC 8032): 32 bytes.
public typealias CareKey = FixedText<32>

/// What somebody may ask a device for over MQTT.
public enum CareTask: UInt8, BitwiseCopyable, Sendable {
  /// How the device is.
  case status
  /// A log that says more, or less, for a time.
  case log
  /// To stop in order and begin anew.
  case restart
  /// To try another profile.
  case profile

  /// The task as requests and profiles name it.
  public var word: StaticString {
    switch self {
    case .status: "status"
    case .log: "log"
    case .restart: "restart"
    case .profile: "profile"
    }
  }

  /// The task that is named so; nil for none.
  public init?(word: Span<UInt8>) {
    var rawValue: UInt8 = 0
    while let task = CareTask(rawValue: rawValue) {
      if word.equals(task.word) {
        self = task
        return
      }
      rawValue += 1
    }
    return nil
  }
}

/// A set of tasks.
public struct CareTasks: BitwiseCopyable, Equatable, Sendable {
  private var bits: UInt8 = 0

  /// No task.
  public init() {}

  /// True when `task` is among them.
  public func contains(_ task: CareTask) -> Bool { bits & 1 &<< task.rawValue != 0 }

  /// Adds `task`.
  public mutating func insert(_ task: CareTask) { bits |= 1 &<< task.rawValue }
}

/// Remote care as the profile has it: who may ask, and for what. Without keys there is none.
public struct CareSpec: BitwiseCopyable, Sendable {
  /// The most keys.
  public static var keysMax: Int { 4 }

  private var keys = InlineArray<4, CareKey>(repeating: CareKey())
  /// How many keys there are.
  public private(set) var keyCount = 0
  /// What may be asked for.
  public var allowed = CareTasks()
  /// The longest profile that may be proposed, in bytes.
  public var profileBytesMax = 16 << 10

  /// No care.
  public init() {}

  /// True when there is somebody who may ask.
  public var isOn: Bool { keyCount > 0 }

  /// Key `index`.
  public func key(_ index: Int) -> CareKey {
    precondition(index >= 0 && index < keyCount)
    return keys[index]
  }

  /// Adds a key, of which there are `keysMax` at most.
  public mutating func add(_ key: CareKey) {
    keys[keyCount] = key
    keyCount += 1
  }

  /// True when `key` is among them.
  public func has(_ key: CareKey) -> Bool {
    for index in 0..<keyCount where keys[index].equals(key) { return true }
    return false
  }

  /// The longest body of a request, in bytes: all but a profile is short.
  var bodyBytesMax: Int { 256 + (allowed.contains(.profile) ? profileBytesMax : 0) }
}
