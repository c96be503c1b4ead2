//! All functions that are supported: what `/functions` says, and who evaluates them.

use serde_json::{Map, Value, json};

use super::row_statistics::RowStatistic;

/// A function.
#[derive(Debug, Clone, Copy)]
pub struct GraphFunction {
    /// Its name.
    pub name: &'static str,
    /// Who evaluates it.
    pub(super) kind: FunctionKind,
    /// Under which head Grafana shows it.
    pub group: &'static str,
    /// Its parameters: `name:type`, `!` behind those that must be there, `*` behind one that may come often.
    parameters: &'static str,
    /// What it does.
    pub description: &'static str,
}

/// Who evaluates a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FunctionKind {
    Names,
    OfAll(&'static str),
    Aggregate,
    Merge,
    PercentileOfSeries,
    Divide,
    AsPercent,
    GroupByNodes,
    GroupByTags,
    Wildcards,
    Values,
    Summarize,
    Moving,
    TimeShift,
    ConsolidateBy,
    Constant,
    Choose,
    Group,
    Drawing,
}

/// All of them, by name. `seriesByTag` and `template` are of the grammar, and evaluated where it is.
pub const FUNCTIONS: &[GraphFunction] = &[
    GraphFunction {
        name: "absolute",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList!",
        description: "Without its sign.",
    },
    GraphFunction {
        name: "aggregate",
        kind: FunctionKind::Aggregate,
        group: "Combine",
        parameters: "seriesList:seriesList! func:aggFunc!",
        description: "At each time this of all series.",
    },
    GraphFunction {
        name: "aggregateWithWildcards",
        kind: FunctionKind::Wildcards,
        group: "Combine",
        parameters: "seriesList:seriesList! func:aggFunc! positions:node*",
        description: "This of those that are alike but for these nodes.",
    },
    GraphFunction {
        name: "alias",
        kind: FunctionKind::Names,
        group: "Alias",
        parameters: "seriesList:seriesList! newName:string!",
        description: "The series under another name.",
    },
    GraphFunction {
        name: "aliasByMetric",
        kind: FunctionKind::Names,
        group: "Alias",
        parameters: "seriesList:seriesList!",
        description: "The last node.",
    },
    GraphFunction {
        name: "aliasByNode",
        kind: FunctionKind::Names,
        group: "Alias",
        parameters: "seriesList:seriesList! nodes:nodeOrTag!*",
        description: "The nodes of these numbers, from 0.",
    },
    GraphFunction {
        name: "aliasByTags",
        kind: FunctionKind::Names,
        group: "Alias",
        parameters: "seriesList:seriesList! tags:nodeOrTag!*",
        description: "The values of these tags.",
    },
    GraphFunction {
        name: "aliasSub",
        kind: FunctionKind::Names,
        group: "Alias",
        parameters: "seriesList:seriesList! search:string! replace:string!",
        description: "What a regular expression finds in a name, replaced.",
    },
    GraphFunction {
        name: "alpha",
        kind: FunctionKind::Drawing,
        group: "Graph",
        parameters: "seriesList:seriesList! alpha:float!",
        description: "As it is: how it is drawn says nothing of its values.",
    },
    GraphFunction {
        name: "asPercent",
        kind: FunctionKind::AsPercent,
        group: "Combine",
        parameters: "seriesList:seriesList! total:any",
        description: "Each series as a share of one, of a number, or of all.",
    },
    GraphFunction {
        name: "averageAbove",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Those that are above n on average.",
    },
    GraphFunction {
        name: "averageBelow",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Those that are at n or less on average.",
    },
    GraphFunction {
        name: "averageSeries",
        kind: FunctionKind::OfAll("average"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "At each time the average of all series.",
    },
    GraphFunction {
        name: "averageSeriesWithWildcards",
        kind: FunctionKind::Wildcards,
        group: "Combine",
        parameters: "seriesList:seriesList! position:node!*",
        description: "The average of those that are alike but for these nodes.",
    },
    GraphFunction {
        name: "avg",
        kind: FunctionKind::OfAll("average"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "The same as averageSeries.",
    },
    GraphFunction {
        name: "changed",
        kind: FunctionKind::Values,
        group: "Special",
        parameters: "seriesList:seriesList!",
        description: "1 where the value is another than before.",
    },
    GraphFunction {
        name: "color",
        kind: FunctionKind::Drawing,
        group: "Graph",
        parameters: "seriesList:seriesList! theColor:string!",
        description: "As it is: how it is drawn says nothing of its values.",
    },
    GraphFunction {
        name: "consolidateBy",
        kind: FunctionKind::ConsolidateBy,
        group: "Special",
        parameters: "seriesList:seriesList! consolidationFunc:string!",
        description: "What makes one point of several where there are more than are drawn.",
    },
    GraphFunction {
        name: "constantLine",
        kind: FunctionKind::Constant,
        group: "Special",
        parameters: "value:float!",
        description: "A line at this value.",
    },
    GraphFunction {
        name: "countSeries",
        kind: FunctionKind::OfAll("count"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "At each time the number of all series.",
    },
    GraphFunction {
        name: "currentAbove",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Those that are above n now.",
    },
    GraphFunction {
        name: "currentBelow",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Those that are at n or less now.",
    },
    GraphFunction {
        name: "derivative",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList!",
        description: "How much it grew from the value before.",
    },
    GraphFunction {
        name: "diffSeries",
        kind: FunctionKind::OfAll("diff"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "At each time the first, less the others of all series.",
    },
    GraphFunction {
        name: "divideSeries",
        kind: FunctionKind::Divide,
        group: "Combine",
        parameters: "dividendSeriesList:seriesList! divisorSeries:seriesList!",
        description: "Each series by one.",
    },
    GraphFunction {
        name: "exclude",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! pattern:string!",
        description: "Those in whose name it is not found.",
    },
    GraphFunction {
        name: "fallbackSeries",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! fallback:seriesList!",
        description: "The second where the first is empty.",
    },
    GraphFunction {
        name: "grep",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! pattern:string!",
        description: "Those in whose name a regular expression is found.",
    },
    GraphFunction {
        name: "group",
        kind: FunctionKind::Group,
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "All series one after the other.",
    },
    GraphFunction {
        name: "groupByNode",
        kind: FunctionKind::GroupByNodes,
        group: "Combine",
        parameters: "seriesList:seriesList! nodeNum:nodeOrTag! callback:aggFunc",
        description: "One series for each value of a node.",
    },
    GraphFunction {
        name: "groupByNodes",
        kind: FunctionKind::GroupByNodes,
        group: "Combine",
        parameters: "seriesList:seriesList! callback:aggFunc! nodes:nodeOrTag!*",
        description: "One series for each value of these nodes.",
    },
    GraphFunction {
        name: "groupByTags",
        kind: FunctionKind::GroupByTags,
        group: "Combine",
        parameters: "seriesList:seriesList! callback:aggFunc! tags:tag!*",
        description: "One series for each value of these tags.",
    },
    GraphFunction {
        name: "highest",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer func:aggFunc",
        description: "The n highest.",
    },
    GraphFunction {
        name: "highestAverage",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "The n highest on average.",
    },
    GraphFunction {
        name: "highestCurrent",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "The n that are highest now.",
    },
    GraphFunction {
        name: "highestMax",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "The n with the largest values.",
    },
    GraphFunction {
        name: "integral",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList!",
        description: "The sum of all values so far.",
    },
    GraphFunction {
        name: "invert",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList!",
        description: "One by the value.",
    },
    GraphFunction {
        name: "isNonNull",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList!",
        description: "1 where there is a value, else 0.",
    },
    GraphFunction {
        name: "keepLastValue",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList! limit:integer",
        description: "The value before, where there is none.",
    },
    GraphFunction {
        name: "limit",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "The first n.",
    },
    GraphFunction {
        name: "lineWidth",
        kind: FunctionKind::Drawing,
        group: "Graph",
        parameters: "seriesList:seriesList! width:float!",
        description: "As it is: how it is drawn says nothing of its values.",
    },
    GraphFunction {
        name: "lowest",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer func:aggFunc",
        description: "The n lowest.",
    },
    GraphFunction {
        name: "lowestAverage",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "The n lowest on average.",
    },
    GraphFunction {
        name: "lowestCurrent",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "The n that are lowest now.",
    },
    GraphFunction {
        name: "maximumAbove",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Those with a value above n.",
    },
    GraphFunction {
        name: "maximumBelow",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Those without a value above n.",
    },
    GraphFunction {
        name: "maxSeries",
        kind: FunctionKind::OfAll("max"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "At each time the largest value of all series.",
    },
    GraphFunction {
        name: "mergeSeries",
        kind: FunctionKind::Merge,
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "The histograms of all series together: a percentile of all their requests. Only of series as they are stored.",
    },
    GraphFunction {
        name: "minimumAbove",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Those that are always above n.",
    },
    GraphFunction {
        name: "minimumBelow",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Those that are n or less at some time.",
    },
    GraphFunction {
        name: "minSeries",
        kind: FunctionKind::OfAll("min"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "At each time the least value of all series.",
    },
    GraphFunction {
        name: "movingAverage",
        kind: FunctionKind::Moving,
        group: "Calculate",
        parameters: "seriesList:seriesList! windowSize:intOrInterval!",
        description: "Of each time the average of the values before it.",
    },
    GraphFunction {
        name: "movingMax",
        kind: FunctionKind::Moving,
        group: "Calculate",
        parameters: "seriesList:seriesList! windowSize:intOrInterval!",
        description: "Of each time the max of the values before it.",
    },
    GraphFunction {
        name: "movingMedian",
        kind: FunctionKind::Moving,
        group: "Calculate",
        parameters: "seriesList:seriesList! windowSize:intOrInterval!",
        description: "Of each time the median of the values before it.",
    },
    GraphFunction {
        name: "movingMin",
        kind: FunctionKind::Moving,
        group: "Calculate",
        parameters: "seriesList:seriesList! windowSize:intOrInterval!",
        description: "Of each time the min of the values before it.",
    },
    GraphFunction {
        name: "movingSum",
        kind: FunctionKind::Moving,
        group: "Calculate",
        parameters: "seriesList:seriesList! windowSize:intOrInterval!",
        description: "Of each time the sum of the values before it.",
    },
    GraphFunction {
        name: "movingWindow",
        kind: FunctionKind::Moving,
        group: "Calculate",
        parameters: "seriesList:seriesList! windowSize:intOrInterval! func:aggFunc",
        description: "Of each time this of the values before it.",
    },
    GraphFunction {
        name: "multiplySeries",
        kind: FunctionKind::OfAll("multiply"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "At each time the product of all series.",
    },
    GraphFunction {
        name: "multiplySeriesWithWildcards",
        kind: FunctionKind::Wildcards,
        group: "Combine",
        parameters: "seriesList:seriesList! position:node!*",
        description: "The product of those that are alike but for these nodes.",
    },
    GraphFunction {
        name: "nonNegativeDerivative",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList! maxValue:float minValue:float",
        description: "How much a counter grew.",
    },
    GraphFunction {
        name: "offset",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList! factor:float!",
        description: "Each value and a number.",
    },
    GraphFunction {
        name: "percentileOfSeries",
        kind: FunctionKind::PercentileOfSeries,
        group: "Combine",
        parameters: "seriesList:seriesList! n:integer! interpolate:boolean",
        description: "At each time a percentile of the values of all series.",
    },
    GraphFunction {
        name: "perSecond",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList! maxValue:float minValue:float",
        description: "How much a counter grew in a second.",
    },
    GraphFunction {
        name: "rangeOfSeries",
        kind: FunctionKind::OfAll("rangeOf"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "At each time the range of all series.",
    },
    GraphFunction {
        name: "removeAboveValue",
        kind: FunctionKind::Values,
        group: "Filter Data",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Values up to n.",
    },
    GraphFunction {
        name: "removeBelowValue",
        kind: FunctionKind::Values,
        group: "Filter Data",
        parameters: "seriesList:seriesList! n:integer!",
        description: "Values from n on.",
    },
    GraphFunction {
        name: "removeEmptySeries",
        kind: FunctionKind::Choose,
        group: "Filter Series",
        parameters: "seriesList:seriesList!",
        description: "Those that have a value.",
    },
    GraphFunction {
        name: "scale",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList! factor:float!",
        description: "Each value times a factor.",
    },
    GraphFunction {
        name: "scaleToSeconds",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList! seconds:integer!",
        description: "Each value for so many seconds instead of one step.",
    },
    GraphFunction {
        name: "smartSummarize",
        kind: FunctionKind::Summarize,
        group: "Transform",
        parameters: "seriesList:seriesList! intervalString:interval! func:aggFunc",
        description: "One value for each interval, from the beginning on.",
    },
    GraphFunction {
        name: "sortBy",
        kind: FunctionKind::Choose,
        group: "Sorting",
        parameters: "seriesList:seriesList! func:aggFunc reverse:boolean",
        description: "By this.",
    },
    GraphFunction {
        name: "sortByMaxima",
        kind: FunctionKind::Choose,
        group: "Sorting",
        parameters: "seriesList:seriesList!",
        description: "The largest first.",
    },
    GraphFunction {
        name: "sortByMinima",
        kind: FunctionKind::Choose,
        group: "Sorting",
        parameters: "seriesList:seriesList!",
        description: "The least first.",
    },
    GraphFunction {
        name: "sortByName",
        kind: FunctionKind::Choose,
        group: "Sorting",
        parameters: "seriesList:seriesList! natural:boolean reverse:boolean",
        description: "By name.",
    },
    GraphFunction {
        name: "sortByTotal",
        kind: FunctionKind::Choose,
        group: "Sorting",
        parameters: "seriesList:seriesList!",
        description: "The largest sum first.",
    },
    GraphFunction {
        name: "squareRoot",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList!",
        description: "Its square root.",
    },
    GraphFunction {
        name: "stddevSeries",
        kind: FunctionKind::OfAll("stddev"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "At each time the standard deviation of all series.",
    },
    GraphFunction {
        name: "sum",
        kind: FunctionKind::OfAll("sum"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "The same as sumSeries.",
    },
    GraphFunction {
        name: "summarize",
        kind: FunctionKind::Summarize,
        group: "Transform",
        parameters: "seriesList:seriesList! intervalString:interval! func:aggFunc alignToFrom:boolean",
        description: "One value for each interval.",
    },
    GraphFunction {
        name: "sumSeries",
        kind: FunctionKind::OfAll("sum"),
        group: "Combine",
        parameters: "seriesLists:seriesList!*",
        description: "At each time the sum of all series.",
    },
    GraphFunction {
        name: "sumSeriesWithWildcards",
        kind: FunctionKind::Wildcards,
        group: "Combine",
        parameters: "seriesList:seriesList! position:node!*",
        description: "The sum of those that are alike but for these nodes.",
    },
    GraphFunction {
        name: "threshold",
        kind: FunctionKind::Constant,
        group: "Graph",
        parameters: "value:float! label:string color:string",
        description: "A line at this value, with a name.",
    },
    GraphFunction {
        name: "timeShift",
        kind: FunctionKind::TimeShift,
        group: "Transform",
        parameters: "seriesList:seriesList! timeShift:interval! resetEnd:boolean",
        description: "What was so long ago.",
    },
    GraphFunction {
        name: "transformNull",
        kind: FunctionKind::Values,
        group: "Transform",
        parameters: "seriesList:seriesList! default:float",
        description: "A number where there is no value.",
    },
];

impl GraphFunction {
    /// As graphite-web describes it.
    pub fn described(&self) -> Value {
        let mut parameters = Vec::new();
        let mut signature = Vec::new();
        for parameter in self.parameters.split(' ').filter(|parameter| !parameter.is_empty()) {
            let (name, kind) = parameter.split_once(':').unwrap_or((parameter, "string"));
            let mut described = Map::new();
            described.insert("name".to_owned(), json!(name));
            let bare = kind.trim_end_matches(['!', '*']);
            described.insert("type".to_owned(), json!(bare));
            if kind.contains('!') {
                described.insert("required".to_owned(), json!(true));
            }
            if kind.contains('*') {
                described.insert("multiple".to_owned(), json!(true));
            }
            if bare == "aggFunc" {
                described.insert("options".to_owned(), json!(RowStatistic::names()));
            }
            signature.push(if kind.contains('*') { format!("*{name}") } else { name.to_owned() });
            parameters.push(Value::Object(described));
        }
        json!({
            "name": self.name,
            "function": format!("{}({})", self.name, signature.join(", ")),
            "description": self.description,
            "module": "graphite.render.functions",
            "group": self.group,
            "params": parameters,
        })
    }
}
