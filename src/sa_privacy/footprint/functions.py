"""The functions whose work is known: they look at their arguments, the clock or the catalogue, and at no table's rows.

The world is closed: a function that is not named here is refused until ``privacy.declare(function=...)`` says what
it touches. Functions that run SQL, read files, or read tables by a name in a string are never in these lists.
Sources: the PostgreSQL manual, chapter 9, and SQLite's core, date, aggregate, window, math and JSON functions.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["AGGREGATES", "NEVER", "POSTGRESQL", "SETTINGS_REFUSED", "SQLITE", "known", "may_be_set"]

_SHARED: Final = """
abs acos acosh asin asinh atan atan2 atanh ceil ceiling coalesce concat concat_ws cos cosh degrees exp floor format
length ln log log10 lower ltrim max min mod nullif octet_length pi power radians replace round rtrim sign sin sinh
sqrt substr substring tan tanh trim trunc upper count sum avg row_number rank dense_rank percent_rank cume_dist ntile
lag lead first_value last_value nth_value json_array json_object string_agg unistr
"""

SQLITE: Final = frozenset(
    (
        _SHARED
        + """
changes char hex ifnull iif if instr last_insert_rowid like likelihood likely unlikely glob printf quote random
randomblob soundex sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id sqlite_version
total_changes typeof unhex unicode zeroblob date time datetime julianday unixepoch strftime timediff
group_concat total median percentile percentile_cont percentile_disc log2 regexp regexpi match
json jsonb json_array_insert json_array_length json_error_position json_extract json_insert json_patch json_pretty
json_quote json_remove json_replace json_set json_type json_valid json_group_array json_group_object json_each
json_tree jsonb_array jsonb_extract jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set
jsonb_group_array jsonb_group_object jsonb_each jsonb_tree subtype generate_series concat
pragma_table_info pragma_table_xinfo pragma_table_list pragma_index_list pragma_index_info pragma_index_xinfo
pragma_foreign_key_list pragma_database_list pragma_collation_list pragma_compile_options pragma_function_list
pragma_module_list pragma_pragma_list pragma_user_version pragma_foreign_keys
"""
    ).split()
)

POSTGRESQL: Final = frozenset(
    (
        _SHARED
        + """
cbrt div erf erfc factorial gcd lcm min_scale numeric_inc random random_normal scale setseed trim_scale width_bucket
acosd asind atand atan2d cosd cotd cot sind tand
ascii bit_length btrim char_length character_length chr casefold convert convert_from convert_to crc32 crc32c decode
encode get_bit get_byte initcap left lpad md5 normalize overlay parse_ident position quote_ident quote_literal
quote_nullable regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace
regexp_split_to_array regexp_split_to_table regexp_substr repeat reverse right rpad set_bit set_byte sha224 sha256
sha384 sha512 split_part starts_with string_to_array string_to_table strpos to_ascii to_hex to_bin to_oct translate
unicode_assigned bit_count is_normalized text varchar bpchar
to_char to_date to_number to_timestamp age clock_timestamp current_date current_time current_timestamp date_add
date_bin date_part date_subtract date_trunc extract isfinite justify_days justify_hours justify_interval localtime
localtimestamp make_date make_interval make_time make_timestamp make_timestamptz now statement_timestamp timeofday
timezone transaction_timestamp date timestamp timestamptz time interval overlaps
enum_first enum_last enum_range greatest least num_nonnulls num_nulls row rollup cube grouping
gen_random_uuid uuidv4 uuidv7 uuid_extract_timestamp uuid_extract_version
abbrev broadcast family host hostmask inet_merge inet_same_family masklen netmask network set_masklen
array_to_tsvector get_current_ts_config numnode plainto_tsquery phraseto_tsquery websearch_to_tsquery querytree
setweight strip to_tsquery to_tsvector json_to_tsvector jsonb_to_tsvector ts_delete ts_filter ts_headline ts_rank
ts_rank_cd tsquery_phrase tsvector_to_array
array_to_json json_agg json_agg_strict json_array_elements json_array_elements_text json_array_length
json_build_array json_build_object json_each json_each_text json_extract_path json_extract_path_text
json_object_agg json_object_agg_strict json_object_agg_unique json_object_keys json_populate_record
json_populate_recordset json_scalar json_serialize json_strip_nulls json_to_record json_to_recordset json_typeof
jsonb_agg jsonb_agg_strict jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object
jsonb_object_agg jsonb_object_agg_strict jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query
jsonb_path_query_array jsonb_path_query_first jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_tz
jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls
jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb
array_agg array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position
array_positions array_prepend array_remove array_replace array_reverse array_sample array_shuffle array_sort
array_to_string array_upper cardinality trim_array unnest generate_series generate_subscripts
int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange tsmultirange
tstzmultirange datemultirange isempty lower_inc lower_inf upper_inc upper_inf range_merge multirange range_agg
range_intersect_agg
any_value bit_and bit_or bit_xor bool_and bool_or every corr covar_pop covar_samp regr_avgx regr_avgy regr_count
regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp variance var_pop var_samp
mode percentile_cont percentile_disc xmlagg xmlconcat xmlcomment
currval lastval nextval setval
area center diagonal diameter height isclosed isopen npoints pclose popen radius slope width box circle line lseg
path point polygon bound_box
pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
current_catalog current_database current_query current_role current_schema current_schemas current_setting
current_user inet_client_addr inet_client_port inet_server_addr inet_server_port pg_backend_pid pg_blocking_pids
pg_conf_load_time pg_is_in_recovery pg_is_other_temp_schema pg_jit_available pg_my_temp_schema
pg_postmaster_start_time pg_safe_snapshot_blocking_pids pg_trigger_depth pg_current_xact_id
pg_current_xact_id_if_assigned session_user system_user txid_current txid_current_if_assigned version
pg_sleep pg_sleep_for pg_sleep_until
has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege
has_function_privilege has_language_privilege has_parameter_privilege has_schema_privilege has_sequence_privilege
has_server_privilege has_table_privilege has_tablespace_privilege has_type_privilege pg_has_role row_security_active
acldefault aclexplode makeaclitem
pg_collation_is_visible pg_conversion_is_visible pg_function_is_visible pg_opclass_is_visible
pg_operator_is_visible pg_opfamily_is_visible pg_table_is_visible pg_ts_config_is_visible pg_ts_dict_is_visible
pg_type_is_visible format_type pg_basetype pg_char_to_encoding pg_encoding_to_char pg_get_catalog_foreign_keys
pg_get_constraintdef pg_get_expr pg_get_function_arguments pg_get_function_identity_arguments
pg_get_function_result pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_partition_constraintdef
pg_get_partkeydef pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef pg_get_triggerdef pg_get_userbyid
pg_get_viewdef pg_index_column_has_property pg_index_has_property pg_indexam_has_property pg_options_to_table
pg_typeof to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure
to_regrole to_regtype pg_describe_object pg_identify_object col_description obj_description shobj_description
pg_column_compression pg_column_size pg_database_size pg_indexes_size pg_partition_ancestors pg_partition_root
pg_partition_tree pg_relation_is_publishable pg_relation_size pg_size_bytes pg_size_pretty pg_table_size
pg_tablespace_size pg_total_relation_size pg_relation_filenode
xpath xpath_exists xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document
merge_action suppress_redundant_updates_trigger
"""
    ).split()
) | {"grouping sets"}

_LOOKING_AROUND: Final = """
any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist dense_rank
every first_value group_concat grouping json_agg json_agg_strict json_group_array json_group_object json_object_agg
json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_group_array
jsonb_group_object jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict lag
last_value lead max median min mode nth_value ntile percent_rank percentile percentile_cont percentile_disc range_agg
range_intersect_agg rank regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
row_number stddev stddev_pop stddev_samp string_agg sum total var_pop var_samp variance xmlagg
"""
AGGREGATES: Final = frozenset(_LOOKING_AROUND.split())
"""Those of the known functions that look at several rows for one value."""

NEVER: Final = (
    "query_to_xml",
    "table_to_xml",
    "schema_to_xml",
    "database_to_xml",
    "cursor_to_xml",
    "dblink",
    "lo_",
    "loread",
    "lowrite",
    "pg_read_",
    "pg_ls_",
    "pg_stat_file",
    "pg_logical_",
    "ts_stat",
    "ts_rewrite",
    "pg_stat_get_activity",
    "pg_mcv_list_items",
    "load_extension",
    "readfile",
    "writefile",
    "edit",
    "fts3_tokenizer",
    "crosstab",
    "connectby",
    "xpath_table",
)
"""Beginnings of names that may not even be declared: they run SQL, or read files and tables, by a string."""

SETTINGS_REFUSED: Final = frozenset(
    {"role", "session_authorization", "search_path", "standard_conforming_strings", "backslash_quote", "is_superuser"}
)
"""PostgreSQL settings that change who acts, or how names and strings are read."""

_SETTING: Final = re.compile(r"[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*", re.ASCII)


def may_be_set(setting: str) -> bool:
    """Whether text may change a setting of PostgreSQL: not who acts, how SQL is read, or what a wall is told of the access.

    :param setting: its name as written: one that is spelled with escapes may be any.
    """
    name = setting.lower()
    plain = _SETTING.fullmatch(name) is not None
    return plain and name not in SETTINGS_REFUSED and name.partition(".")[0] != "sa_privacy"


_KNOWN: Final = {"sqlite": SQLITE, "postgresql": POSTGRESQL}


def known(name: str, dialect: str) -> bool:
    """Whether the (unqualified, lower-case) name is a function that touches nothing but its arguments."""
    return name in _KNOWN[dialect]
