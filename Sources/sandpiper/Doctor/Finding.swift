/// What the doctor has found out about one thing.
struct Finding {
  /// How much it matters.
  enum Level: UInt8 {
    /// As it should be.
    case fine
    /// The agent runs, but somebody should know.
    case worthKnowing
    /// The agent does not run, or does not do what the profile says.
    case broken

    /// The level's name, for people and programs.
    var word: Words {
      switch self {
      case .fine: "fine"
      case .worthKnowing: "worth-knowing"
      case .broken: "broken"
      }
    }
  }

  /// What it is about.
  enum Area: UInt8 {
    case profile, memory, service, board, sensors, clock, storage, journal, broker

    /// The area's name, for people and programs.
    var word: Words {
      switch self {
      case .profile: "profile"
      case .memory: "memory"
      case .service: "service"
      case .board: "board"
      case .sensors: "sensors"
      case .clock: "clock"
      case .storage: "storage"
      case .journal: "journal"
      case .broker: "broker"
      }
    }
  }

  var level: Level
  var area: Area
  /// What is so. Holds no secret.
  var text: Words
  /// What to do about it; empty where nothing is to be done.
  var fix: Words
}
