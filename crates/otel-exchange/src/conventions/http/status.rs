//! Which status codes are errors on which side.

use ::http::StatusCode;

/// Returns the `error.type` of a SERVER span: the code of a 5xx. A 4xx is an error of the client only.
#[must_use]
pub fn server_error_type(status: StatusCode) -> Option<&'static str> {
    status.is_server_error().then(|| code(status))
}

/// Returns the `error.type` of a CLIENT span: the code of a 4xx or 5xx, and `_OTHER` for a code of no class.
#[must_use]
pub fn client_error_type(status: StatusCode) -> Option<&'static str> {
    (status.as_u16() >= 400).then(|| code(status))
}

/// Returns static text, so an error does not allocate.
fn code(status: StatusCode) -> &'static str {
    usize::from(status.as_u16())
        .checked_sub(FIRST)
        .and_then(|index| CODES.get(index))
        .copied()
        .unwrap_or("_OTHER")
}

const FIRST: usize = 400;

#[rustfmt::skip]
const CODES: [&str; 200] = [
    "400", "401", "402", "403", "404", "405", "406", "407", "408", "409", "410", "411", "412",
    "413", "414", "415", "416", "417", "418", "419", "420", "421", "422", "423", "424", "425",
    "426", "427", "428", "429", "430", "431", "432", "433", "434", "435", "436", "437", "438",
    "439", "440", "441", "442", "443", "444", "445", "446", "447", "448", "449", "450", "451",
    "452", "453", "454", "455", "456", "457", "458", "459", "460", "461", "462", "463", "464",
    "465", "466", "467", "468", "469", "470", "471", "472", "473", "474", "475", "476", "477",
    "478", "479", "480", "481", "482", "483", "484", "485", "486", "487", "488", "489", "490",
    "491", "492", "493", "494", "495", "496", "497", "498", "499", "500", "501", "502", "503",
    "504", "505", "506", "507", "508", "509", "510", "511", "512", "513", "514", "515", "516",
    "517", "518", "519", "520", "521", "522", "523", "524", "525", "526", "527", "528", "529",
    "530", "531", "532", "533", "534", "535", "536", "537", "538", "539", "540", "541", "542",
    "543", "544", "545", "546", "547", "548", "549", "550", "551", "552", "553", "554", "555",
    "556", "557", "558", "559", "560", "561", "562", "563", "564", "565", "566", "567", "568",
    "569", "570", "571", "572", "573", "574", "575", "576", "577", "578", "579", "580", "581",
    "582", "583", "584", "585", "586", "587", "588", "589", "590", "591", "592", "593", "594",
    "595", "596", "597", "598", "599",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_4xx_is_an_error_only_on_the_client() {
        let table = [
            (200, None, None),
            (304, None, None),
            (400, None, Some("400")),
            (404, None, Some("404")),
            (500, Some("500"), Some("500")),
            (599, Some("599"), Some("599")),
            (600, None, Some("_OTHER")),
            (999, None, Some("_OTHER")),
        ];
        for (status, server, client) in table {
            let code = StatusCode::from_u16(status).unwrap();
            assert_eq!(server_error_type(code), server, "{status}");
            assert_eq!(client_error_type(code), client, "{status}");
        }
    }

    #[test]
    fn every_code_is_its_own_text() {
        for status in 400..600_u16 {
            assert_eq!(
                code(StatusCode::from_u16(status).unwrap()),
                status.to_string()
            );
        }
    }
}
