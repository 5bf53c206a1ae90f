"""What ad hoc SQL may contain, as data: functions, types and kinds of syntax that only compute on granted rows."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Left out on purpose: what reads files, settings, catalogs, statistics, variables or sequences; what runs SQL, calls a
# function or casts to a type given by name; what sleeps, logs or raises; what takes far more time or memory than it
# makes.
FUNCTIONS = (
    _words(
        """
        + - * / // % ** ^ & | ~ << >> || @ ! != == = < > <= >= <> <@ @> && ^@ -> ->>
        ~~ !~~ ~~* !~~* ~~~ !~~~
        like_escape not_like_escape ilike_escape not_ilike_escape add subtract multiply divide
        """
    )
    | _words(
        """
        abs acos acosh asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot degrees even exp factorial
        fdiv floor fmod gamma gcd greatest greatest_common_divisor isfinite isinf isnan lcm least
        least_common_multiple lgamma ln log log10 log2 mod pi pow power radians random round round_even roundbankers
        sign signbit sin sinh sqrt tan tanh trunc xor
        """
    )
    | _words(
        """
        ascii base64 bin char_length character_length chr concat concat_ws contains editdist3 ends_with format
        from_base64 from_hex hex instr jaro_similarity jaro_winkler_similarity lcase left length lower lpad ltrim md5
        nfc_normalize ord octet_length position prefix regexp_escape regexp_extract regexp_extract_all
        regexp_full_match regexp_matches regexp_replace regexp_split_to_array repeat replace reverse right rpad rtrim
        sha1 sha256 split split_part starts_with str_split str_split_regex string_split string_split_regex
        string_to_array strip_accents strlen strpos substr substring suffix to_base64 to_hex translate trim ucase
        unhex unicode upper url_decode url_encode
        """
    )
    | _words(
        """
        age century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname
        dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_ns epoch_us era get_current_time
        get_current_timestamp hour isodow isoyear julian last_day make_date make_time make_timestamp
        make_timestamp_ms make_timestamp_ns make_timestamptz microsecond millennium millisecond minute month
        monthname nanosecond now quarter second strftime strptime time_bucket timezone timezone_hour timezone_minute
        to_centuries to_days to_decades to_hours to_microseconds to_millennia to_milliseconds to_minutes to_months
        to_quarters to_seconds to_timestamp to_weeks to_years today transaction_timestamp try_strptime week weekday
        weekofyear year yearweek
        """
    )
    | _words(
        """
        array_append array_cat array_concat array_contains array_distinct array_has array_has_all array_has_any
        array_length array_prepend array_slice array_sort array_to_string array_value array_extract
        cardinality element_at flatten len list_append list_apply list_avg list_cat list_concat list_contains
        list_count list_distinct list_element list_extract list_filter list_first list_has list_has_all list_has_any
        list_indexof list_intersect list_last list_max list_median list_min list_pack list_position list_prepend
        list_reduce list_reverse list_reverse_sort list_slice list_sort list_sum list_transform list_unique
        list_value list_zip map map_contains map_entries map_extract map_from_entries map_keys map_values row
        struct_extract struct_insert struct_pack unnest unpivot_list range generate_series
        json_array_length json_extract json_extract_path json_extract_path_text json_extract_string json_keys
        json_object json_array json_type json_valid to_json row_to_json
        """
    )
    | _words(
        """
        ago apply array_apply array_cosine_distance array_cosine_similarity array_cross_product array_distance
        array_dot_product array_filter array_grade_up array_indexof array_inner_product array_intersect
        array_negative_dot_product array_negative_inner_product array_pop_back array_pop_front array_position
        array_push_back array_push_front array_reduce array_resize array_reverse array_reverse_sort array_select
        array_to_json array_transform array_unique array_where array_zip bit_length bit_position damerau_levenshtein
        decode encode equi_width_bins filter format_bytes formatreadabledecimalsize formatreadablesize from_binary
        generate_subscripts get_bit grade_up hamming is_histogram_other_bin jaccard json json_contains json_exists
        json_group_array json_group_object json_group_structure json_merge_patch json_pretty json_quote json_structure
        json_value left_grapheme length_grapheme levenshtein list_any_value list_approx_count_distinct list_bit_and
        list_bit_or list_bit_xor list_bool_and list_bool_or list_cosine_distance list_cosine_similarity list_distance
        list_dot_product list_entropy list_grade_up list_histogram list_inner_product list_kurtosis list_kurtosis_pop
        list_mad list_mode list_negative_dot_product list_negative_inner_product list_product list_resize list_select
        list_sem list_skewness list_stddev_pop list_stddev_samp list_string_agg list_var_pop list_var_samp list_where
        map_concat map_contains_entry map_contains_value map_extract_value md5_number md5_number_lower md5_number_upper
        mismatches nextafter overlay parse_dirname parse_dirpath parse_filename parse_path printf reduce
        regexp_split_to_table right_grapheme set_bit struct_concat struct_contains struct_extract_at struct_has
        struct_indexof struct_keys struct_position struct_update struct_values substring_grapheme to_base to_binary
        unbin union_extract union_tag union_value uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7
        """
    )
    | _words("coalesce constant_or_null hash if ifnull nullif typeof uuid gen_random_uuid bar count_star grouping")
    | _words(
        """
        any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_max_nulls_last
        arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg avg bit_and bit_or bit_xor bool_and bool_or
        corr count count_if countif covar_pop covar_samp entropy favg first fsum geomean geometric_mean group_concat
        histogram histogram_exact kahan_sum kurtosis kurtosis_pop last list listagg mad max max_by mean median min
        min_by mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2
        regr_slope regr_sxx regr_sxy regr_syy reservoir_quantile sem skewness stddev stddev_pop stddev_samp string_agg
        sum sumkahan var_pop var_samp variance weighted_avg wavg
        """
    )
    | _words("cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense")
    | _words("row_number")
)

TABLE_FUNCTIONS = _words("range generate_series unnest json_each json_tree")

TYPES = _words(
    """
    any array bigint binary bit bitstring blob bool boolean bpchar bytea char date datetime dec decimal double enum
    float float4 float8 hugeint int int1 int2 int4 int8 int16 int32 int64 int128 integer integral interval json list
    long logical map numeric nvarchar oid real short signed smallint string struct text time timestamp timestamp_ms
    timestamp_ns timestamp_s timestamp_us timestamptz timetz tinyint ubigint uhugeint uint8 uint16 uint32 uint64
    uint128 uinteger union usmallint utinyint uuid varbinary varchar null
    """
) | {"timestamp with time zone", "time with time zone", "double precision", "character varying"}

EXPRESSIONS = _words(
    """
    BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR
    POSITIONAL_REFERENCE STAR SUBQUERY TYPE WINDOW
    """
)
"""Classes of expression; PARAMETER, DEFAULT and whatever a later engine invents are refused."""

QUERIES = _words("SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE")
RELATIONS = _words("BASE_TABLE EMPTY EXPRESSION_LIST JOIN PIVOT SHOW_REF SUBQUERY TABLE_FUNCTION")
SHOWN = _words("DESCRIBE SUMMARY")
"""What a SHOW_REF may be about a query; the rest reads the engine's catalog."""
LISTED = _words("SHOW_SPECIAL SHOW_UNQUALIFIED")
"""How engines mark a SHOW of things in general, which we answer ourselves where it is of tables."""
PARTS = _words(
    """
    DISTINCT_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER ORDER_MODIFIER
    ORDER_DEFAULT ASCENDING DESCENDING
    ARRAY_TYPE_INFO DECIMAL_TYPE_INFO GENERIC_TYPE_INFO LIST_TYPE_INFO STRING_TYPE_INFO STRUCT_TYPE_INFO
    UNBOUND_TYPE_INFO
    """
)

IDENTITY = _words("current_catalog current_role current_schema current_user session_user user")
"""Bare words that the engine answers with facts about itself where no column has that name."""
