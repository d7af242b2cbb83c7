/// What can happen to a device and all around it.
public enum Fault: UInt8, BitwiseCopyable, CaseIterable, Sendable {
  // The way to the broker.
  /// No packet arrives any more, in either direction: connections stall, and attempts run out of time.
  case cut
  /// The present connection swallows what either end sends, and nobody is told; attempts work.
  case halfOpen
  /// What the broker sends no longer arrives on the present connection; the other direction works.
  case deafen
  /// The present connection is reset.
  case reset
  /// The present connection is reset, and attempts are refused.
  case refuse
  /// The present connection is reset, and attempts are not answered.
  case silence
  /// The present connection is reset, and the broker's name is not resolved.
  case nameUnknown
  /// The way is slower and narrower.
  case slow
  /// A captive portal: the present connection is reset, and who connects gets a page instead of a broker.
  case portal
  /// A middlebox forgets connections that have been idle for some time.
  case forgetIdle
  /// All faults of the way are over.
  case heal

  // The broker.
  /// It ends and starts again; with a length, only after that.
  case restart
  /// Its answers take longer.
  case delay
  /// It refuses who connects.
  case reject
  /// It takes connections, and throws each out after a while.
  case throwOut
  /// Somebody else connects under the device's name, again and again.
  case takeOver
  /// It sends what is not MQTT.
  case garbage
  /// Somebody else publishes on one of the device's topics.
  case publish

  // The device.
  /// Its power is cut.
  case powerCut
  /// The agent's process is killed, and started again.
  case kill
  /// The agent is told to stop in order, and started again.
  case reload

  // Its clock.
  /// The time of day is wrong by so much, and claims to be right.
  case clockStep
  /// The time of day is set right.
  case clockSet
  /// A board that boots does not know the time of day.
  case clockUnset

  // Its board.
  /// A point, or all, can't be read.
  case `break`
  /// A point is held at a value: a line that is stuck, a sensor that lies.
  case hold
  /// An input changes many times at once.
  case bounce

  // Its flash.
  /// Nothing more fits on the medium of the journal.
  case flashFull
  /// The medium can only be read.
  case flashReadOnly
  /// The medium answers with errors.
  case flashFails
  /// Bits of the medium are flipped.
  case rot
  /// Sectors of the medium, or all of it, bear no more writing, for good.
  case wearOut

  /// How scenarios spell it.
  public var word: StaticString {
    switch self {
    case .cut: "cut"
    case .halfOpen: "half-open"
    case .deafen: "deafen"
    case .reset: "reset"
    case .refuse: "refuse"
    case .silence: "silence"
    case .nameUnknown: "name-unknown"
    case .slow: "slow"
    case .portal: "portal"
    case .forgetIdle: "forget-idle"
    case .heal: "heal"
    case .restart: "restart"
    case .delay: "delay"
    case .reject: "reject"
    case .throwOut: "throw-out"
    case .takeOver: "take-over"
    case .garbage: "garbage"
    case .publish: "publish"
    case .powerCut: "power-cut"
    case .kill: "kill"
    case .reload: "reload"
    case .clockStep: "clock-step"
    case .clockSet: "clock-set"
    case .clockUnset: "clock-unset"
    case .break: "break"
    case .hold: "hold"
    case .bounce: "bounce"
    case .flashFull: "flash-full"
    case .flashReadOnly: "flash-read-only"
    case .flashFails: "flash-fails"
    case .rot: "rot"
    case .wearOut: "wear-out"
    }
  }

  /// True for what lasts, and so may be said to last `for` some time.
  public var lasts: Bool {
    switch self {
    case .halfOpen, .deafen, .reset, .heal, .garbage, .publish, .clockSet, .bounce, .rot, .wearOut:
      false
    default: true
    }
  }

  /// True for what happens at a broker, or on the way to one.
  public var isAtBroker: Bool {
    switch self {
    case .cut, .halfOpen, .deafen, .reset, .refuse, .silence, .nameUnknown, .slow, .portal,
      .forgetIdle, .heal, .restart, .delay, .reject, .throwOut, .takeOver, .garbage, .publish:
      true
    default: false
    }
  }

  /// True for what can't be brought about at the device and on its way: the broker does it, or another client.
  public var isBeyondDevice: Bool {
    switch self {
    case .restart, .reject, .takeOver, .publish: true
    default: false
    }
  }

  /// True for what always has to end.
  public var mustEnd: Bool {
    switch self {
    case .powerCut, .kill, .reload: true
    default: false
    }
  }
}
